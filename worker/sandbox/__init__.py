"""A complete Octopush on your own machine."""
