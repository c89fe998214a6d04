"""The life of a callback in a worker: read, connect, publish."""
