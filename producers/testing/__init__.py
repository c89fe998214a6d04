"""For the tests of an application: what it sends, without anybody being texted. docs/testing.md has examples.

    def test_a_booking_is_confirmed(sms_outbox):
        book("+33612345678", table=4)
        sms_outbox.assert_sent(to="+33612345678", text="Table 4 is yours.")

pytest finds the fixtures by itself (module ``octopush_pytest``): `sms_outbox`, which needs the extra
``testing``, and `sms_sandbox`, which needs the extra ``sandbox``. Whoever uses no pytest opens a
`producers.testing.outbox.SmsOutbox`.

Nothing of this is loaded, and nothing is changed, before a test asks for a fixture. ``import producers``
loads nothing from here. This is the one part of `producers` that knows the worker: the outbox does a worker's
work.
"""

from typing import Final

from .worker_beside import find_worker

#: The name under which the modules of this package find our worker. To be found before any of them is loaded.
WORKER: Final = find_worker(__name__.rpartition(".")[0])
