"""Mail addresses in settings and headers: plain ASCII mailboxes, one or several. Pure."""

import re
from typing import Final

#: A mailbox that needs no quoting and no extension of SMTP. Whoever has another one gives an alias.
_MAILBOX: Final = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@([A-Za-z0-9.-]{1,255})")
#: A name within a domain. It holds a letter or digit at both ends.
_LABEL: Final = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?")


def mailbox(value: str) -> str:
    """Return an address such as ``desk@example.com``.

    Raises:
        ValueError: it is none. A name in front, as in ``Desk <desk@example.com>``, is refused, too.
    """
    found = _MAILBOX.fullmatch(value)
    if not found:
        raise ValueError("must be a mail address such as desk@example.com, without a name")
    domain(found[1])
    return value


def mailboxes(value: str) -> tuple[str, ...]:
    """Return addresses that are parted by commas or spaces: at least one, each once.

    Raises:
        ValueError: one of them is no address, or there is none.
    """
    found = tuple(dict.fromkeys(mailbox(each) for each in re.split(r"[,\s]+", value) if each))
    if not found:
        raise ValueError("must name at least one mail address")
    return found


def domain(value: str) -> str:
    """Return the name of a mail domain, such as ``sms.example.com``.

    Raises:
        ValueError: it is none.
    """
    if len(value) > 253 or not all(map(_LABEL.fullmatch, value.split("."))):
        raise ValueError("must be a domain such as sms.example.com")
    return value


def domain_of(address: str) -> str:
    """Return what stands behind the ``@``, in small letters."""
    return address.rpartition("@")[2].lower()
