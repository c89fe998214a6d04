"""How a callback is read and stored."""
