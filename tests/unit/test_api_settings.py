"""Who may call the API: entries of `API_TOKENS`, and the command that makes them."""

import json

import pytest
from click.testing import CliRunner

from producers.errors import ConfigError
from worker.api.app import create_app
from worker.api.settings import ApiSettings, Grant, digest_of
from worker.cli import main

OLD, NEW = "old-0123456789-abcdefghijklmnopqrst", "new-0123456789-abcdefghijklmnopqrst"


def grants(tokens: str) -> dict[str, Grant]:
    return dict(ApiSettings.from_env({"API_TOKENS": tokens}).grants)


def test_an_application_has_its_scopes_and_may_have_two_tokens():
    found = grants(f"shop:{OLD},shop:{NEW},erp:read+campaign:sha256-{digest_of('x')}")

    assert found == {
        digest_of(OLD): Grant("shop", frozenset({"send", "read"})),
        digest_of(NEW): Grant("shop", frozenset({"send", "read"})),
        digest_of("x"): Grant("erp", frozenset({"read", "campaign"})),
    }


@pytest.mark.parametrize(
    "tokens",
    [
        *("shop", "shop:short", f"Shop:{OLD}", f"shop:write:{OLD}", f"shop:send+send:{OLD}", f"shop::{OLD}"),
        *("shop:" + "ab" * 20, f"shop:{OLD},erp:{OLD}", "shop:sha256-abc", f"shop:{OLD}!"),
    ],
)
def test_an_entry_that_is_none_or_easy_to_guess_is_refused_without_its_value(tokens):
    with pytest.raises(ConfigError) as refused:
        grants(tokens)

    assert list(refused.value.problems) == ["API_TOKENS"]
    assert OLD not in str(refused.value)


def test_without_tokens_there_is_no_api():
    with pytest.raises(ConfigError) as closed:
        create_app(ApiSettings())
    assert list(closed.value.problems) == ["API_TOKENS"]

    run = CliRunner().invoke(main, ["api"], env={"API_TOKENS": ""})
    assert (run.exit_code, "API_TOKENS" in run.output) == (1, True)


def test_the_command_makes_entries_that_are_taken():
    made = json.loads(CliRunner().invoke(main, ["api-token", "shop", "--scopes", "read", "--json"]).output)

    for entry in ("entry", "hashed_entry"):
        assert grants(made[entry]) == {digest_of(made["token"]): Grant("shop", frozenset({"read"}))}
    assert made["token"] not in made["hashed_entry"]
    assert CliRunner().invoke(main, ["api-token", "Shop!"]).exit_code == 2
