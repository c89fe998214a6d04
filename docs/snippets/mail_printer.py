"""A mail server that prints what it is handed, as a mail program would show it: to see what arrives.

python docs/snippets/mail_printer.py
"""

import sys
import threading
from email import message_from_bytes, policy
from typing import Any

from aiosmtpd.controller import Controller

ADDRESS = ("127.0.0.1", 1025)
SHOWN = ("From", "To", "Reply-To", "Subject")


class Printer:
    """Takes every mail."""

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802 - aiosmtpd's name
        """Print one mail."""
        mail = message_from_bytes(envelope.content, policy=policy.default)
        body = mail.get_body(("plain",))
        head = "".join(
            f"{name}: {mail[name]}\n" for name in ("From", "To", "Reply-To", "Subject") if mail[name]
        )
        sys.stdout.write(f"{head}\n{body.get_content() if body else ''}\n")
        sys.stdout.flush()
        return "250 Taken"


if __name__ == "__main__":
    Controller(Printer(), *ADDRESS).start()
    threading.Event().wait()
