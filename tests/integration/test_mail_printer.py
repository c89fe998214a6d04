"""The printers of the README's ten minutes show what arrives; the mail that was printed can be answered."""

import os
import re
import smtplib
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from email.message import EmailMessage
from pathlib import Path

import pytest

from tests.support.callbacks_by_hand import KEYS, CallbacksByHand
from tests.support.callbacks_by_hand import reply as callback
from tests.support.forward_email_process import COMMAND, ForwardEmailProcess
from tests.support.hand_worker import HandWorker
from tests.support.waiting import until
from worker.gateway.outcomes import Accepted
from worker.mail.forward_email import NAME
from worker.sandbox.free_port import free_port

DOCS = Path(__file__).parents[2] / "docs"
NUMBER = "+33612345678"


@contextmanager
def printing(port: int, *arguments: str | Path, log: Path) -> Iterator[None]:
    """Run the mail printer until the end of the block."""
    command = [sys.executable, DOCS / "snippets/mail_printer.py", *arguments]
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, env={**os.environ, "PORT": str(port)}, stdout=output, stderr=subprocess.STDOUT
        )
    try:
        until(lambda: listens(port), 40)
        yield
    finally:
        process.terminate()
        process.wait(20)


def listens(port: int) -> bool:
    with suppress(OSError), smtplib.SMTP("127.0.0.1", port, timeout=5):
        return True
    return False


def test_a_mail_is_printed_in_plain_letters(tmp_path):
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = "sms@example.com", "you@example.com", "SMS from é"
    mail.set_content("Merci, à 20 h", cte="quoted-printable")
    port, log = free_port(), tmp_path / "printed"
    with printing(port, log=log):
        with smtplib.SMTP("127.0.0.1", port, timeout=20) as server:
            server.send_message(mail)
        until(lambda: "Merci, à 20 h\n" in log.read_text("utf-8"))
    assert "Subject: SMS from é\n" in log.read_text("utf-8")


@pytest.mark.parametrize("snippet", ["mail_printer", "webhook_printer"])
def test_a_port_that_is_taken_is_one_line_that_says_how_to_free_it(snippet):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        done = subprocess.run(
            [sys.executable, DOCS / "snippets" / f"{snippet}.py"],
            env={**os.environ, "PORT": port},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    assert (done.returncode, done.stdout) == (1, "")
    (line,) = done.stderr.splitlines()
    assert line == f"port {port} is taken: kill %1 ends a printer that still runs in this terminal"


def test_the_mail_that_was_printed_is_answered_as_the_page_says(tmp_path, redis_client, redis_url, sms):
    page, port = (DOCS / "forwarding.md").read_text("utf-8"), free_port()
    [exports] = re.findall(r"^export (MAIL_URL=smtp://127.+)\nexport (MAIL_IN_.+)$", page, re.MULTILINE)
    [line] = re.findall(
        r"^\.venv/bin/python (docs/snippets/mail_answer.py .+) \| \S+ mail-in$", page, re.MULTILINE
    )
    settings = dict(pair.split("=", 1) for pair in " ".join(exports).split())
    environ = settings | {
        "REDIS_URL": redis_url,
        "MAIL_URL": settings["MAIL_URL"].replace("1025", str(port)),
        "MAIL_REPLY_DOMAIN": "sms.example.com",
        "MAIL_SECRET": "0123456789abcdef" * 3,
    }
    redis_client.xgroup_create(KEYS.stream("replies"), f"forward:{NAME}", "$", mkstream=True)
    answer(sms, redis_client)
    forwarder = ForwardEmailProcess(tmp_path / "log", environ)
    with printing(port, tmp_path / "last.eml", log=tmp_path / "printed"):
        forwarder.start()
        try:
            until(lambda: "Reply-To: sms+" in (tmp_path / "printed").read_text("utf-8"), 40)
        finally:
            forwarder.kill()

    typed = f"{sys.executable} {DOCS.parent}/{line} | {COMMAND} mail-in"
    done = subprocess.run(
        ["/bin/sh", "-c", typed],
        cwd=tmp_path,
        env={**os.environ, **environ},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert done.stdout.startswith("2.0.0 Taken as mail-"), done.stdout
    assert sms.conversation(NUMBER).turns[-1].text == "At eight, then"


def answer(sms, redis_client) -> None:
    """Let a person answer a two-way SMS."""
    worker = HandWorker(redis_client)
    sms.send(NUMBER, "Table at eight?", sender="Bistro", purpose="alert", with_replies=True)
    for claim in worker.take():
        worker.finish(claim, Accepted("sms_1"))
    CallbacksByHand(redis_client, worker.ledger).bring(callback(NUMBER, "Oui", "sms_1"))
