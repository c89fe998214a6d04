"""Zones of messages: given or told by numbers, checked, kept beside the body and never in it."""

import pytest

from producers import InvalidMessage, Message, Recipient
from producers.messages.frozen import FrozenMessage
from producers.messages.message import freeze

PARIS, REUNION, ISLANDS, SATELLITE = "+33612345678", "+262692123456", "+590690123456", "+870773111632"
GOOD = {"text": "Hello STOP au 30101", "sender": "Bistro", "request_id": "booking-42"}


def frozen(recipients: object, **fields: object) -> FrozenMessage:
    return freeze(Message(recipients, **{**GOOD, **fields}))


def problems(recipients: object, **fields: object) -> dict[str, str]:
    with pytest.raises(InvalidMessage) as caught:
        frozen(recipients, **fields)
    return caught.value.fields


@pytest.mark.parametrize(
    ("recipients", "zone", "zones"),
    [
        (PARIS, None, "FR"),
        ([PARIS, REUNION, ISLANDS, "+33612345679"], None, "FR GP+ RE"),
        (PARIS, "FR-AM", "FR-AM"),
        ([PARIS, Recipient(ISLANDS, zone="MF")], None, "FR MF"),
        ([PARIS, Recipient(ISLANDS, zone="MF")], "RE", "MF RE"),
        (Recipient(SATELLITE, zone="BE"), None, "BE"),
        (SATELLITE, "BE", "BE"),
    ],
)
def test_a_zone_that_is_given_counts_more_than_the_number_and_that_of_a_recipient_most(
    recipients, zone, zones
):
    assert frozen(recipients, zone=zone).zones == zones


def test_the_gateway_gets_no_zone():
    plain = [PARIS, Recipient(ISLANDS, first_name="Zoë")]
    placed = [PARIS, Recipient(ISLANDS, first_name="Zoë", zone="MF")]

    assert frozen(placed, zone="RE").body == frozen(plain).body
    assert b"zone" not in frozen(placed, zone="RE").body


def test_an_alert_has_no_zones_and_may_go_to_numbers_of_no_country():
    assert frozen([PARIS, SATELLITE], purpose="alert", zone="RE").zones == ""
    assert frozen([PARIS, SATELLITE], purpose="alert").zones == ""


def test_marketing_to_a_number_of_no_country_needs_a_zone():
    assert problems([PARIS, SATELLITE]) == {"recipients[1].zone": "is of no country: its zone must be given"}


def test_a_zone_that_is_empty_is_wrong_and_never_reaches_the_gateway():
    assert set(problems(Recipient(PARIS, zone=""), zone="")) == {"zone", "recipients[0].zone"}


@pytest.mark.parametrize("purpose", ["alert", "wholesale"])
def test_every_wrong_zone_is_named_at_once(purpose):
    found = problems([PARIS, Recipient(ISLANDS, zone="mf")], zone=7, text="", purpose=purpose)

    assert set(found) == {"zone", "recipients[1].zone", "text"}
    assert all(found[name].startswith("must be FR, FR-AM") for name in ("zone", "recipients[1].zone"))
    assert "mf" not in found["recipients[1].zone"]


def test_nothing_is_said_of_the_zone_of_a_number_that_is_wrong():
    assert set(problems(["+33", 7, PARIS])) == {"recipients[0].phone_number", "recipients[1]"}


def test_another_zone_is_another_message():
    digests = [
        frozen(PARIS).digest,
        frozen(PARIS, zone="FR-AM").digest,
        frozen(PARIS, zone="RE").digest,
        frozen([PARIS, Recipient(ISLANDS, zone="MF")]).digest,
        frozen([Recipient(PARIS, zone="MF"), ISLANDS]).digest,
        frozen([PARIS, ISLANDS]).digest,
    ]
    assert len(set(digests)) == len(digests)


def test_the_same_zone_in_another_place_is_the_same_message():
    both = [Recipient(PARIS, zone="RE"), Recipient(ISLANDS, zone="RE")]
    assert frozen(both).digest == frozen([PARIS, ISLANDS], zone="RE").digest
