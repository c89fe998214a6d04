"""The console: pages on which people read replies, answer them, and decide."""
