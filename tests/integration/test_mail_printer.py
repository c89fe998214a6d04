"""The mail server of the README's ten minutes prints mails as people read them."""

import smtplib
import subprocess
import sys
from contextlib import suppress
from email.message import EmailMessage
from pathlib import Path

from tests.support.waiting import until

SNIPPET = Path(__file__).parents[2] / "docs/snippets/mail_printer.py"


def test_a_mail_is_printed_in_plain_letters(tmp_path):
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = "sms@example.com", "you@example.com", "SMS from é"
    mail.set_content("Merci, à 20 h", cte="quoted-printable")
    log = tmp_path / "printed"
    with log.open("wb") as output:
        process = subprocess.Popen([sys.executable, SNIPPET], stdout=output, stderr=subprocess.STDOUT)
    try:

        def sent() -> bool:
            with suppress(OSError), smtplib.SMTP("127.0.0.1", 1025, timeout=5) as server:
                server.send_message(mail)
                return True
            return False

        until(sent, 40)
        until(lambda: "Merci, à 20 h\n" in log.read_text("utf-8"))
    finally:
        process.terminate()
        process.wait(20)
    assert "Subject: SMS from é\n" in log.read_text("utf-8")
