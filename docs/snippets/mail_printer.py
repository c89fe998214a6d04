"""A mail server that prints what it is handed, as a mail program would show it: to see what arrives.

python docs/snippets/mail_printer.py            # at port 1025
python docs/snippets/mail_printer.py last.eml   # and keeps the last mail there, for mail_answer.py
"""

import os
import sys
import threading
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller

PORT = int(os.environ.get("PORT", "1025"))
SHOWN = ("From", "To", "Reply-To", "Subject")


class Printer:
    """Takes every mail."""

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802 - aiosmtpd's name
        """Print one mail."""
        keep(envelope.content)
        mail = message_from_bytes(envelope.content, policy=policy.default)
        body = mail.get_body(("plain",))
        head = "".join(f"{name}: {mail[name]}\n" for name in SHOWN if mail[name])
        sys.stdout.write(f"{head}\n{body.get_content() if body else ''}\n")
        sys.stdout.flush()
        return "250 Taken"


def keep(content: bytes) -> None:
    """Keep the last mail in the file that was named, if any."""
    for path in sys.argv[1:]:
        Path(path).write_bytes(content)


if __name__ == "__main__":
    try:
        Controller(Printer(), "127.0.0.1", PORT).start()
    except OSError:
        sys.exit(f"port {PORT} is taken: kill %1 ends a printer that still runs in this terminal")
    threading.Event().wait()
