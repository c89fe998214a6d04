"""The HTTP call to Octopush, and what its answer proves."""
