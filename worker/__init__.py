"""The worker: everything that runs beside the queue."""
