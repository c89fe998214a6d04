"""Which mailbox gets which reply: ``MAIL_ROUTES``. Pure."""

import re
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Final

from worker.mail.addresses import mailboxes

#: In place of addresses: replies that such a rule takes are mailed to nobody.
NOBODY: Final = "nobody"
#: In place of a country: the number's country is unknown.
UNKNOWN_COUNTRY: Final = "ZZ"

_COUNTRY: Final = re.compile(r"[A-Z]{2}")
_CAMPAIGN: Final = re.compile(r"[A-Za-z0-9_.-]{1,24}\*?|\*")


@dataclass(frozen=True)
class Route:
    """One rule.

    Attributes:
        about: ``country`` or ``campaign``.
        names: countries, or campaigns; a campaign may end with ``*``, which stands for any characters.
        to: who gets the mail; nobody if empty.
    """

    about: str
    names: tuple[str, ...]
    to: tuple[str, ...]

    def takes(self, country: str | None, campaign: str | None) -> bool:
        """Say whether a reply is one of these."""
        if self.about == "country":
            return (country or UNKNOWN_COUNTRY) in self.names
        return campaign is not None and any(fnmatchcase(campaign, name) for name in self.names)


def routes(text: str) -> tuple[Route, ...]:
    """Read rules such as ``country:FR,BE = paris@example.com; campaign:spring-* = shop@example.com``.

    Rules are parted by semicolons, addresses by commas or spaces; ``nobody`` in place of addresses mails such
    replies to nobody. The first rule that takes a reply decides.

    Raises:
        ValueError: a rule cannot be read; names it by position.
    """
    rules = [each.strip() for each in text.split(";")]
    return tuple(_route(f"rule {n}: ", rule) for n, rule in enumerate(rules, 1) if rule)


def recipients(
    rules: tuple[Route, ...], otherwise: tuple[str, ...], *, country: str | None, campaign: str | None
) -> tuple[str, ...]:
    """Choose who gets the mail about a reply; nobody if empty.

    Args:
        rules: in order; the first that takes the reply decides.
        otherwise: who gets it if none does.
        country: of the number, or None.
        campaign: that the reply answers, or None.
    """
    return next((rule.to for rule in rules if rule.takes(country, campaign)), otherwise)


def _route(where: str, rule: str) -> Route:
    condition, equals, to = (part.strip() for part in rule.partition("="))
    about, colon, listed = (part.strip() for part in condition.partition(":"))
    if not equals or not colon or about not in {"country", "campaign"}:
        raise ValueError(f"{where}must be country:FR = desk@example.com or campaign:NAME = desk@example.com")
    names = tuple(name.strip() for name in listed.split(","))
    if about == "country" and not all(map(_COUNTRY.fullmatch, names)):
        raise ValueError(f"{where}a country is two capital letters such as FR, or ZZ for an unknown one")
    if about == "campaign" and not all(map(_CAMPAIGN.fullmatch, names)):
        raise ValueError(f"{where}a campaign is 1 to 24 letters, digits or -_., with * at its end if need be")
    if to == NOBODY:
        return Route(about, names, ())
    try:
        return Route(about, names, mailboxes(to))
    except ValueError as error:
        raise ValueError(f"{where}{error}") from None
