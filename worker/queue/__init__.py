"""How entries come to this process and leave it: Dramatiq's broker over leased entries."""
