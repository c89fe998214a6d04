"""Addresses of Sentinels and clusters: what they mean, what is refused, and that nothing secret shows."""

import pytest

from producers.contract.connections import following
from producers.contract.connections_async import following_async
from producers.contract.redis_url import RedisUrl
from producers.contract.route_of_url import route_of
from producers.contract.sentinels import Sentinels
from producers.contract.settings import RedisSettings
from producers.contract.slots import SlotOwner
from producers.errors import ConfigError

KEY = "hush%2Fhush"


@pytest.mark.parametrize(
    ("url", "shown", "servers"),
    [
        (
            "redis+sentinel://h1,h2:26380/main",
            "redis+sentinel://h1:26379,h2:26380/main/0",
            (("h1", 26379), ("h2", 26380)),
        ),
        (
            f"rediss+sentinel://user:{KEY}@h1/main/3?sentinel_username=watch&sentinel_password={KEY}",
            "rediss+sentinel://h1:26379/main/3",
            (("h1", 26379),),
        ),
        (
            f"redis+sentinel://:{KEY}@[::1]:5000,[fe80::1]/main",
            "redis+sentinel://[::1]:5000,[fe80::1]:26379/main/0",
            (("::1", 5000), ("fe80::1", 26379)),
        ),
        (
            f"redis+cluster://user:{KEY}@h1:7000,h2",
            "redis+cluster://h1:7000,h2:6379",
            (("h1", 7000), ("h2", 6379)),
        ),
        (
            "rediss+cluster://h1/0?ssl_cert_reqs=none",
            "rediss+cluster://h1:6379",
            (("h1", 6379),),
        ),
    ],
)
def test_a_list_is_read_and_shows_itself_without_what_is_secret(url, shown, servers):
    settings = RedisSettings.from_env({"REDIS_URL": url, "SMS_NAMESPACE": "shop"})
    address = settings.redis_url

    assert str(address) == shown
    assert f"RedisUrl({shown})" in repr(settings)
    assert address.reveal() == url
    assert "hush" not in repr(address.place)
    assert address.place.servers == servers
    assert address.tag == RedisUrl(address).tag == "shop"
    assert type(route_of(address)) is (SlotOwner if "cluster" in url else Sentinels)


def test_user_password_database_and_options_belong_to_the_primary():
    url = RedisUrl(f"rediss+sentinel://user:{KEY}@h1,h2/main/3?ssl_cert_reqs=none&sentinel_password=other")

    for options in (following(url), following_async(url)):
        assert options["username"] == "user"
        assert options["password"] == "hush/hush"
        assert options["db"] == 3
        assert options["ssl_cert_reqs"] == "none"
        assert "sentinel_password" not in options
    assert url.place.sentinel_login == (("password", "other"),)


def test_a_service_may_be_written_with_escapes():
    assert RedisUrl("redis+sentinel://h1/sms%20main").place.service == "sms main"


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("redis+sentinel://h1,h2", "name of the service"),
        ("redis+sentinel://h1,h2/", "name of the service"),
        ("redis+sentinel://h1,,h2/main", "empty place"),
        ("redis+sentinel://:26379/main", "empty place"),
        ("redis+sentinel://h1/main/x", "must be redis://"),
        ("redis+sentinel://h1/main/0/1", "must be redis://"),
        ("redis+sentinel://h1:99999/main", "above 65535"),
        ("redis+sentinel://h1/main?sentinel_kwargs=hush", "does not know"),
        ("redis+cluster://h1/1", "another database"),
        ("redis+cluster://h1?db=1", "another database"),
        ("redis+cluster://h1?db=hush", "does not know"),
        ("redis+cluster://h1/main", "must be redis://"),
        ("redis+cluster://h1?sentinel_password=hush", "a cluster has none"),
        ("redis+unix://h1", "must be redis://"),
        ("redis://h1,h2", "must be redis://"),
        ("redis+sentinel://user:hu/sh@h1/main", "must be redis://"),
    ],
)
def test_what_is_wrong_is_said_without_the_value(url, why):
    with pytest.raises(ConfigError) as raised:
        RedisSettings.from_env({"REDIS_URL": url})

    assert why in raised.value.problems["REDIS_URL"]
    assert "hush" not in str(raised.value)
    assert raised.value.__cause__ is None
