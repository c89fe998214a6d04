"""The metrics process: what Redis holds of what has happened, for Prometheus. Bounded commands only."""
