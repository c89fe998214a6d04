"""Write the mail by which a mail program would answer another one: to try mail-in without a mail server.

python docs/snippets/mail_answer.py last.eml 'At eight, then' | octopush-worker mail-in
"""

import sys
from email import message_from_bytes, policy
from email.message import EmailMessage
from email.utils import make_msgid
from pathlib import Path


def answer(content: bytes, text: str) -> EmailMessage:
    """Answer a mail: the text, and below it what was answered."""
    mail = message_from_bytes(content, policy=policy.default)
    body = mail.get_body(("plain",))
    quoted = "".join(f"> {line}\n" for line in body.get_content().splitlines()) if body else ""
    written = EmailMessage(policy=policy.SMTP)
    written["From"], written["To"] = mail["To"], mail["Reply-To"]
    written["Subject"] = f"Re: {mail['Subject']}"
    written["In-Reply-To"], written["Message-ID"] = mail["Message-ID"], make_msgid()
    written.set_content(f"{text}\n\n{quoted}")
    return written


if __name__ == "__main__":
    sys.stdout.buffer.write(answer(Path(sys.argv[1]).read_bytes(), sys.argv[2]).as_bytes())
