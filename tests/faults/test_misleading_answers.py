"""Whatever the gateway answers, call taken or not: nobody twice, and no end that a handset denies.

Scenarios are drawn from all codes, statuses and forms of answers, for single messages, shared calls and
campaigns, and played to a real worker that is killed now and then. What nobody could tell is listed in
`tests.support.misleading`. ``MISLEADING_S`` says for how long, ``MISLEADING_SEED`` which.
"""

import os

import pytest

from tests.support.misled import play

SECONDS = float(os.environ.get("MISLEADING_S", "90"))
SEED = int(os.environ.get("MISLEADING_SEED", "1"))


@pytest.mark.timeout(SECONDS + 400)
def test_no_answer_makes_anybody_get_a_text_twice_or_the_ledger_lie(tmp_path, measured):
    found = play(tmp_path, seconds=SECONDS, seed=SEED)

    measured(f"misleading answers: {found.played} scenarios, seed {SEED}")
    assert found.wrong is None, f"seed {SEED}, scenario {found.played} or before: {found.wrong}"
