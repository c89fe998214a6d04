"""What people ask about sending and replies, and the bounded commands that answer."""
