"""Keeps tests of a project from its installation: an SMS of a forgetful test would reach a person."""

import sys
from typing import Final

from django.core import mail
from django.template import Template

from .settings import redis_name

#: Knows whether an outbox or a sandbox is open; nobody has opened one where it is not loaded.
_OPENED_BY: Final = f"{__package__.rpartition('.')[0]}.testing.surroundings"


def is_testing() -> bool:
    """Say whether ``django.test.utils.setup_test_environment`` has set this process up, as each runner does.

    It does two things, as Django documents: it makes the outbox of mails, which the backend ``locmem`` does
    elsewhere, too; and it instruments templates, which tools of developers do elsewhere, too.
    """
    of_tests = sys.modules.get("django.test.utils")
    if of_tests is None or not hasattr(mail, "outbox"):
        return False
    return getattr(Template, "_render", None) is getattr(of_tests, "instrumented_test_render", False)


def refuse_in_tests() -> None:
    """Refuse to reach the Redis of the project from a test; outside of tests this does nothing.

    Raises:
        RuntimeError: a test is under way, and neither `SmsOutbox` nor `SmsSandbox` is open.
    """
    if not is_testing():
        return
    opened_by = sys.modules.get(_OPENED_BY)
    if opened_by is None or not opened_by.is_open():
        raise RuntimeError(
            f"a test would reach {redis_name()} and perhaps persons: open SmsOutbox of"
            " producers.testing.outbox, or SmsSandbox of producers.testing.sandbox, in this test"
        )
