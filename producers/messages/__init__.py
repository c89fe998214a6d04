"""What a message is. Pure: no I/O."""
