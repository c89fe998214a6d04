"""Benchmarks: this worker beside other queues doing the same job. `python -m tests.benchmarks --help`."""
