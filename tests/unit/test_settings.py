"""Settings: all problems at once, by name, never by value."""

import secrets
from dataclasses import dataclass

import pytest

from producers.contract.secret import Secret
from producers.contract.settings import RedisSettings, Settings, WebSettings, variable
from producers.errors import ConfigError
from producers.settings import ProducerSettings
from worker.settings import WorkerSettings

WORKER = {"OCTOPUSH_API_LOGIN": "me@example.com", "OCTOPUSH_API_KEY": "key"}


def problems(kind: type[RedisSettings], environ: dict[str, str]) -> dict[str, str]:
    with pytest.raises(ConfigError) as caught:
        kind.from_env(environ)
    return caught.value.problems


def test_defaults_suffice_for_a_producer():
    assert ProducerSettings.from_env({}) == ProducerSettings()


def test_a_worker_names_everything_that_is_missing():
    assert set(problems(WorkerSettings, {})) == {"OCTOPUSH_API_LOGIN", "OCTOPUSH_API_KEY"}


def test_a_default_region_is_a_country_that_has_a_numbering_plan():
    assert ProducerSettings.from_env({"DEFAULT_REGION": "FR"}).default_region == "FR"
    assert ProducerSettings(default_region="FR").with_region(None).default_region == "FR"
    assert ProducerSettings(default_region="FR").with_region("").default_region == ""
    for wrong in ("fr", "ZZ", "FRA", "+33"):
        with pytest.raises(ConfigError, match="DEFAULT_REGION"):
            ProducerSettings.from_env({"DEFAULT_REGION": wrong})


def test_all_wrong_values_are_named_at_once_and_none_is_shown():
    environ = {
        "OCTOPUSH_API_LOGIN": "me@example.com",
        "OCTOPUSH_API_KEY": "key",
        "RECORD_RETENTION_DAYS": "SECRET",
        "STREAM_MAXLEN": "1",
        "OCTOPUSH_FRESH_CONNECTIONS": "maybe",
        "OCTOPUSH_READ_TIMEOUT_S": "99",
    }
    with pytest.raises(ConfigError) as caught:
        WorkerSettings.from_env(environ)
    assert set(caught.value.problems) == set(environ) - set(WORKER)
    assert "SECRET" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("REDIS_URL", "http://localhost"),
        ("SMS_NAMESPACE", "a{b}"),
        ("RECORD_RETENTION_DAYS", "0"),
        ("RECORD_RETENTION_DAYS", "1.5"),
        ("OCTOPUSH_BASE_URL", "ftp://x"),
        ("OCTOPUSH_API_KEY", "clé"),
        ("LOG_LEVEL", "loud"),
        ("OCTOPUSH_CONNECT_TIMEOUT_S", "nan"),
        ("WORKER_CALLS", "1"),
        ("SHARED_CALL_MAX", "0"),
        ("SHARED_CALL_MAX", "501"),
    ],
)
def test_each_wrong_value_is_named(name, value):
    assert set(problems(WorkerSettings, {**WORKER, name: value})) == {name}


@pytest.mark.parametrize(
    "url",
    [
        "http://api.octopush.com/v1",
        "HTTP://10.0.0.1",
        "http://localhost.evil.com",
        "http://[::2]/",
        "http://",
        "http://[x",
    ],
)
def test_the_api_key_does_not_travel_in_clear(url):
    assert set(problems(WorkerSettings, {**WORKER, "OCTOPUSH_BASE_URL": url})) == {"OCTOPUSH_BASE_URL"}


@pytest.mark.parametrize(
    "url", ["https://api.octopush.com/v1", "http://127.0.0.1:80/v1", "http://LOCALHOST", "http://[::1]:1/"]
)
def test_the_gateway_may_be_https_or_on_this_machine(url):
    assert WorkerSettings.from_env({**WORKER, "OCTOPUSH_BASE_URL": url}).base_url == url


def test_values_are_read_and_blank_means_absent():
    settings = WorkerSettings.from_env(
        {**WORKER, "OCTOPUSH_FRESH_CONNECTIONS": "1", "RECORD_RETENTION_DAYS": "30", "STREAM_MAXLEN": " "}
    )
    assert settings.fresh_connections is True
    assert settings.retention_ms == 30 * 86_400_000
    assert settings.stream_maxlen == RedisSettings().stream_maxlen
    assert settings.api_key.reveal() == "key"


@pytest.mark.parametrize("value", ["", "short", "long-enough-to-be-a-token,short", ","])
def test_callback_tokens_must_be_hard_to_guess(value):
    assert set(problems(WebSettings, {"CALLBACK_TOKENS": value})) == {"CALLBACK_TOKENS"}


@pytest.mark.parametrize(
    "value",
    [
        *(
            "a" * 16,
            "ab" * 12,
            "abcdefgh" * 3,
            "0123456789abcdef",
            "zyxwvutsrqponmlkjihg",
            "changemechangeme",
        ),
        *("1234512345123451", "receipts=aaaaaaaaaaaaaaaa", "a-good-token-0123456789,aaaaaaaaaaaaaaaaa"),
    ],
)
def test_callback_tokens_must_be_random(value):
    assert "random" in problems(WebSettings, {"CALLBACK_TOKENS": value})["CALLBACK_TOKENS"]


@pytest.mark.parametrize(
    "value", ["receipt=a-good-token-0123456789", "replies=optouts=a-good-token-0123456789"]
)
def test_a_token_can_be_bound_to_a_kind_that_exists(value):
    assert "bound" in problems(WebSettings, {"CALLBACK_TOKENS": value})["CALLBACK_TOKENS"]


def test_random_tokens_pass():
    tokens = [secrets.token_hex(24) for _ in range(500)] + [secrets.token_urlsafe(24) for _ in range(500)]
    tokens += ["fgT/4k+Qm9sZc0aVb1xYdw==", "replies=" + secrets.token_hex(16)]
    WebSettings.from_env({"CALLBACK_TOKENS": ",".join(tokens)})


@pytest.mark.parametrize("name", ["CALLBACK_ALLOWED_ADDRESSES", "METRICS_ALLOWED_ADDRESSES"])
@pytest.mark.parametrize("value", ["nowhere", "10.0.0.1/8", "10.0.0.0/8,", "1.2.3", "any private"])
def test_lists_of_addresses_are_checked(name, value):
    environ = {"CALLBACK_TOKENS": "first-token-123456", name: value}
    assert set(problems(WebSettings, environ)) == {name}


def test_several_tokens_are_valid_at_once():
    settings = WebSettings.from_env({"CALLBACK_TOKENS": "first-token-123456, second-token-12345"})
    assert [token.reveal() for token in settings.callback_tokens] == [
        "first-token-123456",
        "second-token-12345",
    ]


def test_secrets_never_show():
    settings = WorkerSettings.from_env(WORKER)
    assert "key" not in repr(settings).replace("api_key", "").replace("pseudonym_keys", "")
    assert str(Secret("key")) == repr(Secret("key")) == "Secret(***)"


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("redis://:pass@example.com", "redis://example.com:6379/0"),
        ("rediss://user:pa%2Fss%23@example.com:7000/4", "rediss://example.com:7000/4"),
        ("redis://example.com/1?db=2&password=pass", "redis://example.com:6379/2"),
        ("redis://user:pass@[::1]:7000/0", "redis://[::1]:7000/0"),
        ("unix://:pass@/run/redis.sock?db=3", "unix:///run/redis.sock?db=3"),
        ("unix:///a%20b/redis.sock", "unix:///a%20b/redis.sock"),
        ("redis://", "redis://localhost:6379/0"),
    ],
)
def test_an_address_of_redis_shows_itself_without_user_and_password(url, shown):
    settings = RedisSettings.from_env({"REDIS_URL": url})

    assert str(settings.redis_url) == shown
    assert f"redis_url=RedisUrl({shown})," in repr(settings)
    assert settings.redis_url.reveal() == url
    assert settings == RedisSettings(redis_url=url) == RedisSettings().at(url)


def test_settings_without_another_address_keep_theirs():
    settings = RedisSettings(redis_url="redis://example.com", namespace="other")

    assert settings.at(None) == settings
    assert settings.at("redis://elsewhere").namespace == "other"


def test_a_field_of_a_type_that_nobody_reads_is_a_mistake_of_ours():
    @dataclass(frozen=True)
    class Mistaken(Settings):
        names: list[str] = variable("NAMES", "names")

    with pytest.raises(TypeError, match="list"):
        Mistaken.from_env({"NAMES": "a"})
