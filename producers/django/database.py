"""Connections to the database in a process that lives long."""

from django.db import connections


def renew_connections() -> None:
    """Close the connections that are broken or too old; whoever needs one opens another.

    As Django does around each request. A transaction that is under way keeps its connection: a test may have
    begun it.
    """
    for connection in connections.all(initialized_only=True):
        if not connection.in_atomic_block:
            connection.close_if_unusable_or_obsolete()
