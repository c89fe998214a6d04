"""What a test finds around it, where the process has loaded Django and there is no project."""

import os
import subprocess
import sys

from worker.sandbox.environments import of_the_machine

PROGRAM = """
import os
import producers.django
from producers.testing.outbox import SmsOutbox

with SmsOutbox() as sms:
    try:
        sms.assert_sent()
    except AssertionError as failure:
        assert str(failure).endswith("0 SMS of 0 matched")
    assert os.environ["MARKETING_HOURS_FR"] == "off"
assert "MARKETING_HOURS_FR" not in os.environ
print("ended")
"""


def test_an_outbox_opens_in_a_process_that_has_loaded_django_without_a_project():
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        env=of_the_machine(os.environ),
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.stdout, done.returncode) == ("ended\n", 0), done.stderr
