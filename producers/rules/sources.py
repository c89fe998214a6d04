"""Where the rules come from: each source with its date, so that a person can look again."""

from typing import Final, Literal, NamedTuple

#: How sure a rule is: ``A`` the primary text or its issuer's own page, ``B`` several others that repeat it,
#: ``C`` one of them, ``D`` an assumption.
Certainty = Literal["A", "B", "C", "D"]


class Source(NamedTuple):
    """Where a rule stands.

    Attributes:
        name: an address without its scheme, a text of law, or a variable of ours.
        dated: the date of what it says, as exactly as it is known: ``2026-03-01``, ``2019``, or ``undated``.
        certainty: how sure the rule is.
    """

    name: str
    dated: str
    certainty: Certainty

    def __str__(self) -> str:
        return f"{self.name} ({self.dated}, certainty {self.certainty})"


OCTOPUSH_HOURS: Final = Source(
    "octopush.com/info/sms-api/sms-en-masse/envoyer-un-sms-en-differe", "undated", "A"
)
#: The hours were announced on 17 February 2026; that they are in force since 1 March has one source only.
CHARTER_2026: Final = Source(
    "af2m.org/charte-business-messaging-2026-laf2m-renforce-les-regles-du-jeu", "2026-03-01", "A"
)
NATIONAL_HOLIDAYS: Final = Source("Code du travail L3133-1", "2016", "A")
ABOLITION: Final = Source("Code du travail L3422-2", "2019", "A")
SAINT_MARTIN: Final = Source("local press: the code says 27 May, practice is 28 May since 2018", "2019", "B")
ALSACE_MOSELLE: Final = Source("Code du travail L3134-13", "undated", "A")
POLYNESIA: Final = Source("tahiti-infos.com, law of 6 May 2025", "2025-05-06", "B")
WALLIS: Final = Source("holidays 0.109, which cites the territory's files", "2026", "B")
CALEDONIA: Final = Source("holidays 0.109, which cites the government's files", "2026", "B")
#: No statutory hours for SMS were found for any other country.
NO_LAW_FOUND: Final = Source("MARKETING_HOURS_OTHER: no law on hours was found", "2026-11-25", "D")
#: What the owner of the installation decides.
CHOSEN_HOURS: Final = Source("MARKETING_HOURS_FR", "your choice", "A")
CHOSEN_HOLIDAYS: Final = Source("EXTRA_HOLIDAYS", "your choice", "A")
