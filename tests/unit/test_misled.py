"""What the judge of misleading answers takes for played: steps that a POST has met."""

import pytest

from tests.support.misleading import STEP, Scenario, Step, body_of
from tests.support.misled import Case, as_played
from worker.sandbox.simulator.journal import RequestRecord

NUMBER = "+33612345678"
LOST, DUPLICATE = Step(True, "reset"), Step(True, "said", 409, 120, body_of(120))


def posts(*steps: int, number: str = NUMBER) -> list[RequestRecord]:
    """Note POSTs that met these steps."""
    facts = {"endpoint": "send", "at": 0.0, "connection": 1, "numbers": [number]}
    return [RequestRecord(fault=f"{STEP}{each}", **facts) for each in steps]


@pytest.mark.parametrize(
    ("requests", "may_be_unknown"),
    [
        (posts(1, 2), False),
        # Its time to live ended before the second POST, and nothing settled the first one.
        (posts(1), True),
        (posts(1) + posts(2, number="+33612345679"), True),
        # Nothing was posted: no doubt is left.
        ([], False),
    ],
)
def test_a_step_that_no_post_has_met_settles_nothing(requests, may_be_unknown):
    case = Case(Scenario("campaign", (LOST, DUPLICATE), ttl_s=3), "m1x", ["a.0"], [[NUMBER]])
    assert as_played(case, requests).may_be_unknown(killed=False) is may_be_unknown
