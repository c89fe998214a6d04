"""What law and the owner's choice decide about a message. Pure: no I/O, no clock."""
