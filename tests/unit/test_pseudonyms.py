"""Pseudonyms need their key, show no key, and stay the same."""

import base64
import hashlib
import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st

from producers.contract.known_pseudonyms import KnownPseudonyms
from producers.contract.pseudonyms import Pseudonyms, fresh_key, key_id, read_key
from producers.contract.secret import Secret
from producers.contract.settings import RedisSettings
from producers.errors import ConfigError, WrongPseudonymKeys

NUMBER = "+33612345678"
OLD, NEW = bytes(range(32)), bytes(range(100, 140))


def written(key: bytes) -> str:
    return base64.b64encode(key).decode()


def test_a_pseudonym_is_the_beginning_of_an_hmac():
    made = hmac.digest(OLD, NUMBER.encode(), "sha256")[:16]

    assert Pseudonyms([OLD]).of(NUMBER) == base64.urlsafe_b64encode(made).rstrip(b"=").decode()
    assert len(Pseudonyms([OLD]).of(NUMBER)) == 22


def test_a_seal_is_a_keyed_blake2b_under_a_key_of_its_own():
    key = hmac.digest(OLD, b"seal", "sha256")
    made = hashlib.blake2b(NUMBER.encode(), key=key, digest_size=16)

    assert Pseudonyms([OLD]).seal(NUMBER) == made.hexdigest()


def test_the_first_key_writes_and_all_keys_find():
    both = Pseudonyms([NEW, OLD])

    assert both.of(NUMBER) == Pseudonyms([NEW]).of(NUMBER)
    assert both.all_of(NUMBER) == [Pseudonyms([NEW]).of(NUMBER), Pseudonyms([OLD]).of(NUMBER)]
    assert both.seal("a") == Pseudonyms([NEW]).seal("a")
    assert both.older_seals("a") == [Pseudonyms([OLD]).seal("a")]
    assert both.key_ids == (key_id(NEW), key_id(OLD))
    assert both.key_id == key_id(NEW)


@given(st.text(max_size=30), st.text(max_size=30))
def test_what_differs_has_another_name(one, other):
    pseudonyms = Pseudonyms([OLD])

    assert (pseudonyms.of(one) == pseudonyms.of(other)) == (one == other)
    assert (pseudonyms.seal(one) == pseudonyms.seal(other)) == (one == other)
    assert pseudonyms.of(one) not in pseudonyms.seal(one)


@given(st.text(st.characters(), max_size=40))
def test_whatever_the_gateway_takes_for_a_number_has_a_pseudonym(number):
    assert len(Pseudonyms([OLD]).of(number)) == 22


def test_without_the_key_nobody_makes_it():
    made = {Pseudonyms([OLD]).of(NUMBER), Pseudonyms([OLD]).seal(NUMBER)}
    anybody = {
        digest
        for name in ("md5", "sha1", "sha256", "sha512", "blake2b")
        for raw in [hashlib.new(name, NUMBER.encode()).digest()]
        for digest in (raw.hex()[:32], base64.urlsafe_b64encode(raw[:16])[:-2].decode())
    }

    assert made.isdisjoint(anybody)


def test_no_key_is_shown():
    shown = [repr(Pseudonyms([OLD])), str(KnownPseudonyms(settings(OLD))), repr(settings(OLD)), key_id(OLD)]

    for text in shown:
        assert written(OLD)[:8] not in text
        assert OLD.hex()[:8] not in text
        assert str(OLD)[2:12] not in text


def settings(*keys: bytes) -> RedisSettings:
    return RedisSettings(pseudonym_keys=tuple(Secret(written(key)) for key in keys))


def test_a_fresh_key_is_one_that_the_setting_takes():
    key = fresh_key()

    assert len(read_key(key)) == 32
    assert RedisSettings.from_env({"PSEUDONYM_KEYS": f"{key}, {written(OLD)}"}).pseudonym_keys == (
        Secret(key),
        Secret(written(OLD)),
    )
    assert fresh_key() != key


def test_both_alphabets_of_base64_are_read():
    raw = bytes(range(224, 256))
    assert read_key(base64.urlsafe_b64encode(raw).decode()) == read_key(written(raw)) == raw


@pytest.mark.parametrize(
    ("keys", "problem"),
    [
        (written(OLD[:31]), "at least 32 bytes"),
        ("hunter2", "base64"),
        ("no base64 at all!" * 4, "base64"),
        (f"{written(OLD)},{written(NEW[:8])}", "at least 32 bytes"),
        (f"{written(OLD)},{written(OLD)}", "twice"),
        (written(b"\0" * 32), "random"),
        ("é" * 44, "base64"),
    ],
)
def test_a_key_that_will_not_do_refuses_the_start_and_is_not_shown(keys, problem):
    with pytest.raises(ConfigError) as caught:
        RedisSettings.from_env({"PSEUDONYM_KEYS": keys})

    assert problem in caught.value.problems["PSEUDONYM_KEYS"]
    for key in keys.split(","):
        assert key not in str(caught.value)
    assert caught.value.__cause__ is None


def test_the_error_names_the_variable():
    for configured in (True, False):
        assert list(WrongPseudonymKeys(configured=configured).problems) == ["PSEUDONYM_KEYS"]
