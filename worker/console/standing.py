"""What holds for a number: why no marketing leaves to it, and whether it has agreed to any."""

from dataclasses import dataclass
from datetime import UTC, datetime

from producers.contract.steps import Steps
from worker.console.page import Visit
from worker.inquiry.optouts import late_scopes
from worker.inquiry.suppressions import Suppression, suppressions_of
from worker.operator.consents import Consent, Consents


@dataclass(frozen=True, slots=True)
class Standing:
    """What holds for a number now.

    Attributes:
        suppressions: why no marketing leaves to it, by scope; none if it may.
        scopes: which were asked for.
        consent: that of the last contact; None if none is noted.
        counts: whether the consent is young enough.
        is_asked_for: whether marketing leaves only to who has agreed.
    """

    suppressions: tuple[Suppression, ...]
    scopes: tuple[str, ...]
    consent: Consent | None
    counts: bool
    is_asked_for: bool


def standing_of(visit: Visit, number: str, scope: str = "") -> Steps[Standing]:
    """Ask what holds for a number; at most five round trips.

    The list of who is suppressed cannot be asked for all scopes of somebody: the account's and those of the
    newest opt-outs are asked for.

    Args:
        visit: the page.
        number: E.164.
        scope: one that is asked for, too; empty for none.
    """
    scopes = yield from late_scopes(visit.keys)
    scopes = tuple(dict.fromkeys((*scopes, scope))) if scope else scopes
    [found] = yield from suppressions_of(visit.keys, visit.pseudonyms, [number], scopes)
    settings = visit.office.settings
    consent = yield from Consents(settings).of(number)
    counts = consent is not None and (datetime.now(UTC) - consent.last_contact).days < settings.consent_days
    return Standing(tuple(found), scopes, consent, counts, settings.require_consent)
