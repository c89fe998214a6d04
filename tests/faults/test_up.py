"""``octopush-worker up`` is stopped while a mail server takes its time: the mail comes once."""

import json
import signal
import sys
import threading
import time
from datetime import datetime
from zoneinfo import ZoneInfo

import httpx
import pytest

from tests.support.installation import API_KEY, API_LOGIN, TOKEN, bare_environment, new_number
from tests.support.smtp_server import SmtpServer
from tests.support.up_process import UpProcess
from tests.support.waiting import until

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks at /proc; see docs/decisions.md")

#: Seconds until the mail server answers: longer than any other process may take to stop.
LATE_S = 50


def answer(up, text):
    """Bring the callback of a reply."""
    now = datetime.now(ZoneInfo("Europe/Paris"))
    event = {"number": new_number(), "text": text, "reception_date": f"{now:%Y-%m-%d %H:%M:%S}"}
    url = f"http://127.0.0.1:{up.port}/callbacks/{TOKEN}"
    assert httpx.post(url, content=json.dumps(event), trust_env=False).status_code == 200


@pytest.mark.timeout(240)  # the mail server takes its time
def test_a_mail_that_is_handed_in_while_up_stops_comes_once(tmp_path):
    handed_in, answered = threading.Event(), threading.Event()

    def on_taken():
        handed_in.set()
        answered.wait(LATE_S)

    with SmtpServer() as server:
        server.on_taken = on_taken
        environ = {
            **bare_environment(),
            "OCTOPUSH_API_LOGIN": API_LOGIN,
            "OCTOPUSH_API_KEY": API_KEY,
            "OCTOPUSH_BASE_URL": "http://127.0.0.1:9/v1/public",
            "CALLBACK_TOKENS": TOKEN,
            "MAIL_URL": f"smtp://127.0.0.1:{server.port}",
            "MAIL_FROM": "sms@example.com",
            "MAIL_TO": "shop@example.com",
        }
        with UpProcess(tmp_path, environ) as up:
            answer(up, "Oui")
            assert handed_in.wait(40)
            began = time.monotonic()
            up.process.send_signal(signal.SIGINT)
            assert up.wait(LATE_S + 60) == 0
            assert time.monotonic() - began > LATE_S / 2

        answered.set()
        with UpProcess(tmp_path, environ, log="again.log") as again:
            answer(again, "Non")
            until(lambda: len(server.taken) > 1)
        first, second = server.taken
    assert first.mail_id != second.mail_id
