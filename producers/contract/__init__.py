"""What producers and workers agree on: keys, jobs, scripts, connections, settings."""
