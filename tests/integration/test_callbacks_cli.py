"""Where the gateway posts callbacks, shown and set on the command line; the simulator is the gateway."""

import json
from collections.abc import Callable
from urllib.parse import urlsplit

import pytest
from click.testing import CliRunner, Result

from producers.contract.keys import Keys
from tests.support.answering import Answering
from tests.support.tcp_proxy import TcpProxy
from worker.cli import main
from worker.inquiry.callback_urls import shown

TOKEN, BOUND, OTHER = "0f3a9d7c5b1e8642aa17", "77c0ffee1234567890ab", "a-stranger-of-token-123456"
#: An address of the outside that no lookup is needed for.
HOST = "https://8.8.8.8"


@pytest.fixture
def run(redis_url, simulator) -> Callable[..., Result]:
    account = {
        "OCTOPUSH_API_LOGIN": "sandbox@example.com",
        "OCTOPUSH_API_KEY": "sandbox-key",
        "OCTOPUSH_BASE_URL": simulator.base_url,
        "CALLBACK_TOKENS": TOKEN,
        "REDIS_URL": redis_url,
    }

    def invoke(*arguments: str, typed: str = "", **environment: str) -> Result:
        return CliRunner().invoke(
            main, ["callbacks", *arguments], env={**account, **environment}, input=typed
        )

    return invoke


def urls(simulator) -> dict[str, str]:
    settings = simulator.admin.settings()
    return {kind: getattr(settings, f"callback_url_{kind}") for kind in ("receipts", "replies", "optouts")}


def ours(token: str = TOKEN, start: str = HOST) -> dict[str, str]:
    return {kind: f"{start}/callbacks/{token}/{kind}" for kind in ("receipts", "replies", "optouts")}


def test_it_shows_which_addresses_lead_here_and_no_token(run, simulator):
    simulator.admin.settings(
        callback_url_receipts=f"{HOST}/callbacks/{TOKEN}/receipts/",
        callback_url_replies=f"{HOST}/callbacks/{TOKEN}/optouts",
        callback_url_optouts=f"https://user:word@old.example.com/sms?t={OTHER}",
    )

    told = run("show", "--json")

    assert json.loads(told.output)["callbacks"] == {
        "receipts": {"url": f"{HOST}/callbacks/…/receipts/", "leads": "here"},
        "replies": {"url": f"{HOST}/callbacks/…/optouts", "leads": "other_kind"},
        "optouts": {"url": "https://old.example.com/sms?…", "leads": "elsewhere"},
    }
    words = run("show").output
    for secret in (TOKEN, OTHER, "word"):
        assert secret not in told.output + words


def test_an_address_that_is_not_set_is_said_to_lose_callbacks(run):
    assert run("show").output.count("such callbacks are lost") == 3


def test_a_token_that_is_bound_to_another_kind_leads_nowhere(run, simulator):
    simulator.admin.settings(callback_url=f"{HOST}/callbacks/{BOUND}")

    told = json.loads(run("show", "--json", CALLBACK_TOKENS=f"{TOKEN},replies={BOUND}").output)

    assert [told["callbacks"][kind]["leads"] for kind in ours()] == ["other_kind", "here", "other_kind"]


def test_without_tokens_here_it_says_that_nobody_knows(run, simulator):
    simulator.admin.settings(callback_url=f"{HOST}/callbacks/{TOKEN}")

    told = json.loads(run("show", "--json", CALLBACK_TOKENS="").output)

    assert {each["leads"] for each in told["callbacks"].values()} == {"unknown"}


def test_it_sets_three_addresses_with_the_newest_token_that_may_bring_each(run, simulator, redis_client):
    told = run("set", f"{HOST}/", "--yes", "--json", CALLBACK_TOKENS=f"{OTHER},{TOKEN},receipts={BOUND}")

    assert told.exit_code == 0
    assert urls(simulator) == ours() | {"receipts": ours(BOUND)["receipts"]}
    fields = json.loads(told.output)
    assert (fields["kept"], fields["before"]["replies"]["leads"]) == (True, "none")
    assert {each["leads"] for each in fields["after"].values()} == {"here"}
    assert TOKEN not in told.output
    [(_, entry)] = redis_client.xrange(Keys().audit)
    assert (entry[b"action"], entry[b"kinds"]) == (b"set_callbacks", b"receipts,replies,optouts")


def test_a_person_is_asked_and_shown_before_anything_changes(run, simulator):
    kept = run("set", HOST, typed="n\n")

    assert (kept.exit_code, set(urls(simulator).values())) == (0, {""})
    assert f"new {HOST}/callbacks/…/replies" in kept.output
    assert "nothing was changed" in kept.output
    assert run("set", HOST, typed="y\n").exit_code == 0
    assert urls(simulator) == ours()


def test_a_program_changes_nothing_without_yes(run, simulator):
    told = run("set", HOST, "--json")

    assert (told.exit_code, json.loads(told.output)["kept"]) == (0, False)
    assert set(urls(simulator).values()) == {""}


def test_one_kind_can_have_an_address_of_its_own(run, simulator):
    other = "https://9.9.9.9/callbacks/x"
    assert run("set", "--optouts", other, "--yes").exit_code == 0
    assert urls(simulator) == {"receipts": "", "replies": "", "optouts": other}

    assert run("set", HOST, "--optouts", other, "--yes").exit_code == 0

    assert urls(simulator) == ours() | {"optouts": other}


def test_what_the_gateway_keeps_otherwise_is_said(run, simulator):
    simulator.admin.settings(callback_url_max_chars=30)

    told = run("set", HOST, "--yes")

    assert told.exit_code == 1
    assert "receipts: the gateway has kept something else: no address" in told.stderr


def test_an_older_name_of_an_address_is_understood(run, simulator):
    simulator.admin.settings(older_parameter_names=True)

    assert run("set", HOST, "--yes").exit_code == 0

    assert urls(simulator) == ours()


def test_what_is_set_already_is_not_set_again(run, simulator):
    run("set", HOST, "--yes")
    simulator.admin.reset()
    simulator.admin.settings(**{f"callback_url_{kind}": url for kind, url in ours().items()})

    assert run("set", HOST, "--yes").exit_code == 0

    assert "edit" not in {record.endpoint for record in simulator.admin.requests()}


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("http://8.8.8.8", "must be https"),
        ("https://127.0.0.1", "private address"),
        ("https://192.168.1.7", "private address"),
        ("https://[::1]", "private address"),
        ("https://localhost", "private address"),
        ("https://no-such-host.invalid", "has no address"),
        ("https://user:word@8.8.8.8", "neither user"),
        ("https://8.8.8.8/?a=b", "no query"),
        ("sms.example.com", "no address such as"),
        ("https://8.8.8.8:x", "no address such as"),
    ],
)
def test_an_address_that_the_gateway_should_not_get_is_refused(run, simulator, url, why):
    told = run("set", url, "--yes")

    assert (told.exit_code, why in told.stderr) == (1, True), told.stderr
    assert set(urls(simulator).values()) == {""}


def test_a_private_address_is_set_if_somebody_says_so(run, simulator):
    assert run("set", "https://127.0.0.1/sms", "--private", "--yes").exit_code == 0
    assert urls(simulator) == ours(start="https://127.0.0.1/sms")


def test_a_wrong_key_is_said_with_its_meaning(run):
    told = run("show", OCTOPUSH_API_KEY="another-key")

    assert (told.exit_code, "101 (wrong login details)" in told.stderr) == (1, True)


def test_a_gateway_that_does_not_answer_is_said(run):
    told = run("show", OCTOPUSH_BASE_URL="http://127.0.0.1:1/v1/public")

    assert (told.exit_code, "client_connector_error" in told.stderr) == (1, True)


@pytest.mark.parametrize("body", [b"<html>Log in first</html>", b"", b"[1]", b'{"hello": 1}'])
def test_a_page_of_somebody_else_is_no_word_of_the_gateway_and_is_given_no_token(run, body):
    with Answering(200, body) as portal:
        for arguments in (["show"], ["set", HOST, "--yes"]):
            told = run(*arguments, OCTOPUSH_BASE_URL=portal.url)
            assert (told.exit_code, "something else answers" in told.stderr) == (1, True), told.output
            assert "no address" not in told.output
        assert set(portal.methods) == {"GET"}


def test_when_the_answer_to_a_change_is_lost_what_the_gateway_has_kept_decides(run, simulator):
    port = urlsplit(simulator.base_url).port
    with TcpProxy(port) as way:
        way.drop_next_reply(after=b"PATCH ")
        told = run(
            "set", HOST, "--yes", OCTOPUSH_BASE_URL=simulator.base_url.replace(str(port), str(way.port))
        )

        assert way.replies_dropped == 1
    assert (told.exit_code, urls(simulator)) == (0, ours())
    assert "set, and read back" in told.output


def test_a_change_that_was_refused_is_said_to_be_refused(run):
    with Answering(200, b'{"callbacks": []}', changes=500) as gateway:
        told = run("set", HOST, "--yes", OCTOPUSH_BASE_URL=gateway.url)

    assert (told.exit_code, "http_500" in told.stderr) == (1, True), told.output
    assert "set, and read back" not in told.output


def test_without_an_audit_entry_nothing_is_changed(run, simulator):
    assert run("set", HOST, "--yes", REDIS_URL="redis://127.0.0.1:1/0").exit_code == 4
    assert set(urls(simulator).values()) == {""}


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("https://a.example/callbacks/short/replies", "https://a.example/callbacks/…/replies"),
        ("https://a.example:8443/x/0123456789abcdef", "https://a.example:8443/x/…"),
        ("https://a.example/?k=1", "https://a.example/?…"),
        ("https://[broken", "…"),
    ],
)
def test_no_secret_of_an_address_is_shown(url, told):
    assert shown(url) == told
