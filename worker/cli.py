"""Command line."""

import click


@click.group()
def main() -> None:
    """Send and receive SMS through the Octopush gateway."""
