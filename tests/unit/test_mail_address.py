"""Addresses under which a reply is answered: nobody else can make them, and they tell nothing."""

import string
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from producers.contract.secret import Secret
from worker.mail.reply_address import LIFETIME, ReplyAddresses

SECRET = Secret("0123456789abcdef" * 3)
ADDRESSES = ReplyAddresses("SMS.example.com", [SECRET])
NOW = datetime(2026, 11, 26, 10, 32, tzinfo=UTC)
ENTRY = "1795417829636-12"


def test_an_address_names_its_reply_for_a_week():
    address = ADDRESSES.address(ENTRY, "event-1", NOW)

    target = ADDRESSES.read(address)

    assert target
    assert target.entry_id == ENTRY
    assert ADDRESSES.proves(target, "event-1")
    assert LIFETIME <= target.until - NOW <= LIFETIME + timedelta(hours=1)


def test_an_address_fits_into_a_mail_and_survives_capitals_and_small_letters():
    address = ADDRESSES.address("18446744073709551615-4294967295", "é" * 300, NOW)

    assert len(address.partition("@")[0]) <= 64
    assert set(address) <= set(string.ascii_lowercase + string.digits + "+@.")
    assert ADDRESSES.read(address) == ADDRESSES.read(address.upper())


def test_an_address_means_one_event_under_one_secret_only():
    address = ADDRESSES.address(ENTRY, "event-1", NOW)
    target = ADDRESSES.read(address)

    assert target
    assert not ADDRESSES.proves(target, "event-2")
    assert not ReplyAddresses("sms.example.com", [Secret("x" * 48)]).proves(target, "event-1")


def test_while_the_secret_changes_the_first_signs_and_both_count():
    new = Secret("x" * 48)
    changing = ReplyAddresses("sms.example.com", [new, SECRET])
    before = ADDRESSES.read(ADDRESSES.address(ENTRY, "event-1", NOW))
    since = changing.read(changing.address(ENTRY, "event-1", NOW))

    assert before
    assert since
    assert changing.proves(before, "event-1")
    assert changing.proves(since, "event-1")
    assert not ADDRESSES.proves(since, "event-1")
    assert not ReplyAddresses("sms.example.com", [new]).proves(before, "event-1")


@pytest.mark.parametrize("place", range(48))
def test_an_address_that_was_changed_anywhere_is_no_proof(place):
    local, _, domain = ADDRESSES.address(ENTRY, "event-1", NOW).partition("@")
    letters = [*local]
    letters[4 + place] = "a" if letters[4 + place] != "a" else "b"

    target = ADDRESSES.read(f"{''.join(letters)}@{domain}")

    assert target
    assert not ADDRESSES.proves(target, "event-1")


@pytest.mark.parametrize(
    "address",
    ["", "sms@sms.example.com", "sms+@sms.example.com", "sms+abc@sms.example.com", "x@y@sms.example.com"],
)
def test_what_is_no_such_address_claims_nothing(address):
    assert ADDRESSES.read(address) is None


def test_an_address_of_another_domain_claims_nothing():
    assert ADDRESSES.read(ADDRESSES.address(ENTRY, "e", NOW).replace("sms.", "evil.")) is None
    assert ADDRESSES.read(ADDRESSES.address(ENTRY, "e", NOW) + ".evil.com") is None


@given(st.text(alphabet=string.ascii_lowercase + "234567", min_size=48, max_size=48))
def test_whatever_is_made_up_is_read_and_not_proved(token):
    target = ADDRESSES.read(f"sms+{token}@sms.example.com")

    assert target
    assert not ADDRESSES.proves(target, "event-1")


@pytest.mark.parametrize("entry_id", ["", "1", "1-", "a-1", "1-1-1", "+33612345678"])
def test_only_an_entry_is_named(entry_id):
    with pytest.raises(ValueError, match="id of an entry"):
        ADDRESSES.address(entry_id, "e", NOW)
