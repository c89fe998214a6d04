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


def let_commit(using: str) -> None:
    """Let transactions of a process of ours commit at their end, also with ``AUTOCOMMIT`` off.

    There ``atomic`` leaves the commit to the project, and nothing that is done in it would last.
    """
    connection = connections[using]
    if not connection.in_atomic_block and not connection.get_autocommit():
        connection.set_autocommit(True)
