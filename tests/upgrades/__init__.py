"""Two releases beside each other: `make upgrades`."""
