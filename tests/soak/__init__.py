"""A long run under constant damage; ``make soak``."""
