"""What a person decides about money: prices, budgets, blocks of numbers. Each step is audited."""

import time
from typing import Final

from producers.contract.admission import BUDGET
from producers.contract.keys import Keys
from producers.contract.scripts import Command, Script
from producers.contract.steps import Steps
from producers.rules.days import day_name
from worker.account.gates import giving_back
from worker.account.throttle import AUDIT_MAXLEN

_SET_PRICE: Final = Script(__package__, "set_price", when_full=True)
_SET_BUDGET: Final = Script(__package__, "set_budget", when_full=True)
_LIFT_BLOCK: Final = Script(__package__, "lift_block", when_full=True)


def set_price(keys: Keys, tariff: str, price: str, by: str) -> Command[bool]:
    """Say what a segment costs. Safe to repeat; each time has an audit entry.

    Args:
        keys: key names.
        tariff: type and calling code.
        price: euros, or ``default`` for what the gateway's answers say.
        by: who decides.
    """
    given = {"tariff": tariff, "price": price, "by": by, "audit_maxlen": AUDIT_MAXLEN}
    return Command(_SET_PRICE, keys.prefix, given, bool)


def set_budget(keys: Keys, scope: str, limit: str, by: str) -> Steps[tuple[bool, int]]:
    """Say what may be spent, and let what waits be looked at again. Safe to repeat; each time tells anew.

    Args:
        keys: key names.
        scope: ``account``, ``app``, ``hard`` or ``campaign:<id>``.
        limit: micro-euros, 0 for any, or ``default`` for what the workers are set to.
        by: who decides.

    Returns:
        Whether there is such a scope, and how many sends are looked at again.
    """
    given = {
        "scope": scope,
        "limit": limit,
        "by": by,
        "audit_maxlen": AUDIT_MAXLEN,
        "day": day_name(time.time()),
    }
    done = yield Command(_SET_BUDGET, keys.prefix, given, bool)
    return done, (yield from giving_back(keys, BUDGET, "+inf")) if done else 0


def lift_block(keys: Keys, block: str, by: str) -> Command[bool]:
    """Let a block of numbers get alerts again. Safe to repeat.

    Args:
        keys: key names.
        block: the beginning of its numbers, as `read_blocks` names it.
        by: who decides.
    """
    given = {"block": block, "by": by, "audit_maxlen": AUDIT_MAXLEN}
    return Command(_LIFT_BLOCK, keys.prefix, given, bool)
