"""An SMS that belongs to a transaction of the application: a row of its database, handed over after commit.

A row is written by the transaction that it belongs to, with the message checked and frozen. A relay takes
rows, queues their messages, and deletes the rows. Whoever kills it between any two of these steps makes it
repeat them, and the ledger answers that the message is there: no message is lost, and none is sent twice.

`producers.outbox.sqlalchemy` is the outbox for SQLAlchemy, `producers.django` that for Django. What both
share knows no database. docs/outbox.md says how they behave.
"""
