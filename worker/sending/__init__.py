"""The life of a message in a worker: claim, POST, record, log."""
