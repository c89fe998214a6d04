"""Lists of people as files: how a file is laid out, and who stands in it. No Redis."""
