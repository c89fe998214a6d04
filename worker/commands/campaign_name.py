"""What ``octopush-worker send`` calls a campaign that nobody has named."""

import hashlib

import msgspec

from producers.contract.keys import Keys
from producers.contract.known_pseudonyms import KnownPseudonyms
from producers.contract.settings import RedisSettings
from producers.contract.steps import Commands, Steps
from producers.messages.message import CampaignOptions
from worker.lists.recipient_list import OneNumber, RecipientList


def name_campaign(
    settings: RedisSettings, file: RecipientList, text: str, options: CampaignOptions, *said: object
) -> Steps[str]:
    """Name a campaign after all that a person has said, so that the same command names the same one.

    What was found out, such as the layout of the file, and the region stay out: should the file be read in
    another way the next time, the ledger refuses it, where another name would text everybody again. For the
    same reason a campaign that was begun under an older key of pseudonyms keeps its name.

    Two round trips.

    Raises:
        WrongPseudonymKeys: this command lacks a key.
    """
    whole = msgspec.json.encode([file.digest, *said, text, sorted(options.items())])
    kind = "to" if isinstance(file, OneNumber) else "csv"
    fingerprint = f"{kind} {hashlib.sha256(whole).hexdigest()}"
    known = yield from KnownPseudonyms(settings).read()
    names = [f"{kind}-{seal[:20]}" for seal in (known.seal(fingerprint), *known.older_seals(fingerprint))]
    there = yield Commands([("EXISTS", Keys(settings.namespace).campaign(name)) for name in names])
    return next((name for name, exists in zip(names, there, strict=True) if exists), names[0])
