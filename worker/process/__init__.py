"""What every worker process has: log, connection, start and stop."""
