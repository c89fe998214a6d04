"""The outbox for SQLAlchemy: a table beside the application's own, written in its transactions.

    outbox = Outbox(outbox_table(metadata), ProducerSettings.from_env())

    with Session(engine) as session, session.begin():
        session.add(Order(number=42))
        outbox.add(session, "+33612345678", "Your order is ready.", sender="Bistro", purpose="alert")

    outbox.relay(engine, Producer.from_env()).run()  # in a process or a thread of its own

With an ``AsyncSession`` the same is ``await session.run_sync(outbox.add, "+33612345678", …)``. The relay is
given a blocking engine.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from functools import partial
from typing import Any, Final, Literal, NamedTuple, Unpack

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session, scoped_session

from ..contract.plain_text import as_text
from ..errors import RequestIdConflict
from ..messages.message import Message, MessageOptions, Recipients
from ..producer import Producer
from ..settings import ProducerSettings
from .handing_over import ROWS, HandedOver, Row, hand_over
from .kept import Kept, keep, same_content
from .relay import Relay

#: What writes within the application's transaction.
_Writer = sa.Connection | Session | scoped_session[Session]

#: Tries to write a row whose id keeps going and coming.
_TRIES: Final = 3
#: How a database is told to write nothing if the id is there. With others a savepoint does it: in SQLite,
#: Python's driver would commit the application's transaction at the end of one that stands at its beginning.
_INSERTS: Final[dict[str, Callable[[sa.Table], Any]]] = {
    "postgresql": postgresql.insert,
    "sqlite": sqlite.insert,
}
#: Databases of which several relays take different rows. With others one is enough: two hand the same over,
#: which queues it once.
_LOCKING: Final = ("postgresql",)


def outbox_table(metadata: sa.MetaData) -> sa.Table:
    """Declare the table ``sms_outbox`` among the application's own, for ``create_all`` and migrations."""
    return sa.Table(
        "sms_outbox",
        metadata,
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True),
        sa.Column("request_id", sa.String(36), nullable=False, unique=True),
        sa.Column("payload", sa.Text, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False, server_default="0"),
        sa.Column("error", sa.String(500), nullable=False, server_default=""),
        # No id is given twice: a relay may still be about to delete the row that had it.
        sqlite_autoincrement=True,
    )


class Refused(NamedTuple):
    """A row that stays until a person decides.

    Attributes:
        id: of the row.
        request_id: names its message.
        attempts: how often it was refused.
        error: why; holds nothing of the message.
    """

    id: int
    request_id: str
    attempts: int
    error: str


class Outbox:
    """Writes rows, and makes relays that hand them over. Thread-safe.

    Args:
        table: made by `outbox_table`.
        settings: by which messages are checked; those of the producer.
    """

    def __init__(self, table: sa.Table, settings: ProducerSettings) -> None:
        self._table = table
        self._settings = settings

    def add(
        self, writer: _Writer, recipients: Recipients, text: str, **options: Unpack[MessageOptions]
    ) -> str:
        """Write one SMS into the outbox, as part of the transaction that is under way.

        Safe to repeat with the same request_id: the same content is written once. Nothing is asked of Redis.

        Args:
            writer: a session or connection of the application, which commits or rolls back.
            recipients: as for `Producer.send`.
            text: as for `Producer.send`.
            **options: the other fields of `Message`, by name; ``sender`` is required.

        Returns:
            The request_id. What is probably a mistake in the SMS, `Producer.preview` says.

        Raises:
            InvalidMessage: lists every bad field; nothing was written.
            RequestIdConflict: a row that waits has this id and other content; nothing was written.
        """
        kept = keep(Message(recipients, text, **options), self._settings)
        connection = writer if isinstance(writer, sa.Connection) else self._connection_of(writer)
        is_new = options.get("request_id") is None
        for _ in range(_TRIES):
            if self._written(connection, kept, is_new=is_new):
                return kept.request_id
            there = connection.scalar(
                sa.select(self._table.c.payload).where(self._table.c.request_id == kept.request_id)
            )
            # It is there no more if a relay has handed it over since.
            if there is not None:
                break
        if there is None or not same_content(there, kept.payload):
            raise RequestIdConflict([kept.request_id])
        return kept.request_id

    def state(self, writer: _Writer, request_id: str) -> Literal["waiting", "refused"] | None:
        """Say whether an SMS is still in the table; `Producer.status` knows it once it is there no more.

        Args:
            writer: a session or connection of the application.
            request_id: names the SMS.

        Returns:
            ``waiting`` for a relay, ``refused`` until a person decides, or None: it was handed over, or never
            written.
        """
        connection = writer if isinstance(writer, sa.Connection) else self._connection_of(writer)
        t = self._table.c
        error = connection.scalar(sa.select(t.error).where(t.request_id == as_text(request_id)))
        return None if error is None else "refused" if error else "waiting"

    def relay(self, engine: sa.Engine, sms: Producer) -> Relay:
        """Make what hands rows over; see `Relay`.

        Args:
            engine: of the database with the table. The relay takes a connection for each step.
            sms: where to. It is not closed.
        """
        away = (sa.exc.OperationalError, sa.exc.InterfaceError, sa.exc.TimeoutError)
        return Relay(partial(self._step, engine, sms), away)

    def refused(self, connection: sa.Connection) -> list[Refused]:
        """List the rows that stay until a person decides, oldest first, at most 1,000."""
        t = self._table.c
        rows = sa.select(t.id, t.request_id, t.attempts, t.error).where(t.error != "").order_by(t.id)
        return [Refused(*row) for row in connection.execute(rows.limit(1000))]

    def retry(self, connection: sa.Connection, ids: Sequence[int]) -> int:
        """Let refused rows be handed over again; returns how many. Safe to repeat."""
        rows = sa.update(self._table).where(self._table.c.id.in_(ids), self._table.c.error != "")
        return connection.execute(rows.values(error="")).rowcount

    def discard(self, connection: sa.Connection, ids: Sequence[int]) -> int:
        """Delete refused rows: their messages are never sent; returns how many. Safe to repeat."""
        rows = sa.delete(self._table).where(self._table.c.id.in_(ids), self._table.c.error != "")
        return connection.execute(rows).rowcount

    def _connection_of(self, session: Session | scoped_session[Session]) -> sa.Connection:
        return session.connection(bind_arguments={"clause": self._table})

    def _written(self, connection: sa.Connection, kept: Kept, *, is_new: bool) -> bool:
        """Write a row, unless its id is there."""
        values = {**asdict(kept), "attempts": 0, "error": ""}
        with _hiding_values():
            return self._inserted(connection, values, is_new=is_new)

    def _inserted(self, connection: sa.Connection, values: dict[str, Any], *, is_new: bool) -> bool:
        if is_new:
            connection.execute(sa.insert(self._table).values(values))
            return True
        if insert := _INSERTS.get(connection.dialect.name):
            statement = (
                insert(self._table).values(values).on_conflict_do_nothing(index_elements=["request_id"])
            )
            return connection.execute(statement).rowcount > 0
        try:
            with connection.begin_nested():
                connection.execute(sa.insert(self._table).values(values))
        except sa.exc.IntegrityError:
            return False
        return True

    def _step(self, engine: sa.Engine, sms: Producer) -> HandedOver:
        """Take rows, hand them over and settle them.

        Where rows are locked, that is one transaction. Elsewhere a transaction would keep the application
        from writing while Redis is asked, so there are two.
        """
        locks = engine.dialect.name in _LOCKING
        with engine.begin() as connection:
            rows = self._taken(connection, locks=locks)
            if locks:
                return self._settled(connection, hand_over(rows, sms, self._settings.retention_ms))
        handed = hand_over(rows, sms, self._settings.retention_ms)
        with engine.begin() as connection:
            return self._settled(connection, handed)

    def _taken(self, connection: sa.Connection, *, locks: bool) -> list[Row]:
        t = self._table.c
        columns = (t.id, t.request_id, t.payload, t.attempts)
        rows = sa.select(*columns).where(t.error == "").order_by(t.id).limit(ROWS)
        return [
            Row(*row) for row in connection.execute(rows.with_for_update(skip_locked=True) if locks else rows)
        ]

    def _settled(self, connection: sa.Connection, handed: HandedOver) -> HandedOver:
        t = self._table.c
        if handed.queued:
            of_these = (
                t.id.in_([row.id for row in handed.queued]),
                # Where an id may be given again, it is now that of another message.
                t.request_id.in_([row.request_id for row in handed.queued]),
            )
            connection.execute(sa.delete(self._table).where(*of_these))
        for row, why in handed.refused:
            values = {"attempts": t.attempts + 1, "error": why[:500]}
            connection.execute(sa.update(self._table).where(t.id == row.id).values(values))
        return handed


@contextmanager
def _hiding_values() -> Iterator[None]:
    """Keep what was to be written, number and text, out of the text of an error."""
    try:
        yield
    except sa.exc.StatementError as error:
        error.hide_parameters = True
        raise
