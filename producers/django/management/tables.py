"""What a command needs of its database before it begins."""

from django.core.management.base import CommandError
from django.db import DatabaseError, InterfaceError, connections, models


def need_table(model: type[models.Model], using: str) -> None:
    """Look for the table of a model.

    A database that is away is not asked: the command waits for it, or says so.

    Args:
        model: whose table.
        using: alias of the database, as it was given.

    Raises:
        CommandError: there is no such alias, or its database lacks the table.
    """
    if using not in connections:
        raise CommandError(f"--database {using}: the settings have only " + ", ".join(connections))
    table = model._meta.db_table  # noqa: SLF001 - Django documents it
    connection = connections[using]
    try:
        tables = connection.introspection.table_names()
    except (DatabaseError, InterfaceError):
        return
    if not connection.in_atomic_block and not connection.get_autocommit():
        # Where the project commits by hand the look has begun a transaction: nothing can be switched in it.
        connection.rollback()
    if table not in tables:
        raise CommandError(f"database {using} has no table {table}: manage.py migrate --database {using}")
