"""How messages and campaigns get into the queue; written once for both kinds of client."""
