"""The tables of the application, step by step."""
