"""What a profile makes workers do: more exactly if it is right, and nobody is texted twice if it is wrong."""

import asyncio
import subprocess
import sys
from collections.abc import Callable

import pytest

from producers.errors import ConfigError
from tests.support.hand_worker import HandWorker
from tests.support.template_sends import only
from worker.gateway.answers import classify
from worker.gateway.client import Gateway
from worker.gateway.outcomes import Deferred, Duplicate, Outcome, Refused, Unexplained, Unknown
from worker.gateway.profile import GatewayProfile, account_of, is_account, read_profile, written
from worker.settings import WorkerSettings

NUMBER = "+33612345678"
LOGIN = "sandbox@example.com"
KEEPS = GatewayProfile(refusals_keep_ids=True)

#: Profile, status, code, and what the answer then is.
READ = [
    (GatewayProfile(), 400, 182, Duplicate),
    (GatewayProfile(duplicate_codes=(120,)), 400, 120, Duplicate),
    (GatewayProfile(duplicate_codes=(120,)), 503, 120, Duplicate),
    (GatewayProfile(duplicate_codes=(120,)), 400, 182, Unknown),
    (GatewayProfile(duplicate_codes=(120,)), 429, 182, Unknown),
    (GatewayProfile(duplicate_codes=(777,)), 400, 777, Duplicate),
    (GatewayProfile(duplicate_codes=(777,)), 503, 777, Unknown),
    (GatewayProfile(duplicate_codes=(777,)), 200, 777, Unknown),
    (GatewayProfile(duplicate_codes=(777,)), 400, 778, Unexplained),
    (GatewayProfile(duplicate_codes=(777,)), 400, 106, Refused),
    (KEEPS, 400, 182, Duplicate),
]


@pytest.mark.parametrize(("profile", "status", "code", "outcome"), READ, ids=str)
def test_a_profile_says_which_codes_are_duplicates(profile, status, code, outcome):
    found = classify(status, {}, b'{"code": %d}' % code, profile=profile)
    assert type(found) is outcome
    assert found.leaves_doubt is (outcome in {Unknown, Unexplained})


@pytest.mark.parametrize(
    ("code", "uses_up"), [(104, False), (206, False), (101, False), (126, True), (128, True)]
)
def test_only_a_proven_refusal_is_believed_to_keep_an_id(code, uses_up):
    body = b'{"code": %d}' % code
    found = classify(400, {}, body, profile=KEEPS)
    assert isinstance(found, Deferred)
    assert found.may_use_up_id is uses_up
    assert classify(400, {}, body).may_use_up_id is True


@pytest.mark.parametrize(
    "profile", [GatewayProfile(), GatewayProfile(duplicate_codes=(777,)), KEEPS], ids=str
)
def test_what_was_written_is_read_again(tmp_path, profile):
    path = tmp_path / "profile.json"
    path.write_bytes(written(profile))
    found = read_profile(str(path), LOGIN)
    assert (found.duplicate_codes, found.refusals_keep_ids, found.v) == (
        profile.duplicate_codes,
        profile.refusals_keep_ids,
        1,
    )
    assert read_profile("", LOGIN).is_empty


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "damaged"),
        (b"[]", "damaged"),
        (b"{}", "damaged"),
        (b'{"v": true}', "damaged"),
        (b'{"v": 1, "duplicate_codes": ["120"]}', "damaged"),
        # Codes that mean something else: they prove that nothing was taken.
        *((b'{"v": 1, "duplicate_codes": [%d]}' % code, "damaged") for code in (0, -1, 104, 117, 10**9)),
        (b'{"v": 1, "part_size": 153}', "damaged"),
        (b'{"v": 2, "part_size": 153}', "newer octopush-worker"),
        (b" " * 5000, "too long"),
        (None, "cannot be read"),
    ],
)
def test_a_profile_that_cannot_be_trusted_is_refused(tmp_path, content, problem):
    path = tmp_path / "profile.json"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ConfigError, match=problem) as refused:
        read_profile(str(path), LOGIN)
    assert list(refused.value.problems) == ["GATEWAY_PROFILE"]
    assert len(str(refused.value).splitlines()) == 1


def test_a_profile_is_of_one_account_whose_login_it_does_not_show(tmp_path):
    path = tmp_path / "profile.json"
    path.write_bytes(written(GatewayProfile(refusals_keep_ids=True, account=account_of(LOGIN))))

    assert read_profile(str(path), " Sandbox@example.com").refusals_keep_ids
    with pytest.raises(ConfigError, match="another account"):
        read_profile(str(path), "other@example.com")
    assert LOGIN not in path.read_text()
    assert account_of(LOGIN) != account_of(LOGIN)
    for damaged in ("x", ":", f":{account_of(LOGIN, 'x')[2:]}"):
        assert not is_account(damaged, LOGIN)


def test_a_damaged_profile_ends_the_start_of_a_worker(tmp_path, redis_url):
    path = tmp_path / "profile.json"
    path.write_text('{"v": 1, "duplicate_codes": [104]}')
    environ = {"REDIS_URL": redis_url, "OCTOPUSH_API_LOGIN": "a@b.fr", "OCTOPUSH_API_KEY": "key"}
    code = f"from worker.main import setup; setup({environ | {'GATEWAY_PROFILE': str(path)}!r})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "GATEWAY_PROFILE: is damaged" in done.stderr
    assert len(done.stderr.splitlines()) == 1


@pytest.fixture
def attempt(simulator, sms, redis_client) -> Callable[[GatewayProfile], str | None]:
    """Queue one message; each call is one POST of it by a worker with a profile, and returns its state."""
    sms.send(NUMBER, "Hello", sender="Bistro", purpose="alert", request_id="message")
    hand = HandWorker(redis_client)
    settings = WorkerSettings.from_env(
        {
            "OCTOPUSH_BASE_URL": simulator.base_url,
            "OCTOPUSH_API_LOGIN": "sandbox@example.com",
            "OCTOPUSH_API_KEY": "sandbox-key",
            "OCTOPUSH_READ_TIMEOUT_S": "0.2",
        }
    )

    async def outcome_of(body: bytes, profile: GatewayProfile) -> Outcome:
        gateway = Gateway(settings, profile)
        try:
            return await gateway.submit(body)
        finally:
            await gateway.close()

    def post(profile: GatewayProfile) -> str | None:
        claim = only(hand.take())
        return hand.finish(claim, asyncio.run(outcome_of(claim.body, profile)))

    return post


def reached(simulator) -> int:
    return len(simulator.admin.messages(number=NUMBER))


@pytest.mark.parametrize(
    ("code", "profile", "state"),
    [
        (120, GatewayProfile(), "accepted"),
        (120, GatewayProfile(duplicate_codes=(120,)), "accepted"),
        (777, GatewayProfile(duplicate_codes=(777,)), "accepted"),
        (777, GatewayProfile(), "unknown"),
        # The profile is wrong: the message stays in doubt, under its id.
        (182, GatewayProfile(duplicate_codes=(120,)), "sending"),
        (120, GatewayProfile(duplicate_codes=(777,)), "sending"),
        (777, GatewayProfile(duplicate_codes=(120,)), "unknown"),
    ],
    ids=str,
)
def test_a_code_for_duplicates_right_or_wrong_lets_nobody_be_texted_twice(
    attempt, simulator, code, profile, state
):
    simulator.admin.settings(duplicate_code=code)
    simulator.admin.fault("accept_then_reset", times=1)
    assert attempt(profile) == "sending"
    assert attempt(profile) == state
    if state == "sending":
        assert attempt(profile) == "sending"
    assert reached(simulator) == 1


@pytest.mark.parametrize(
    ("burns", "profile", "state", "texts"),
    [
        (False, GatewayProfile(), "unknown", 1),
        (False, KEEPS, "accepted", 1),
        (True, GatewayProfile(), "unknown", 0),
        # The profile is wrong, and the message is called accepted that nobody got; docs/pilot.md says so.
        (True, KEEPS, "accepted", 0),
    ],
)
def test_a_refusal_that_keeps_its_id_or_not_lets_nobody_be_texted_twice(
    attempt, simulator, redis_client, burns, profile, state, texts
):
    simulator.admin.settings(refusals_burn_request_id=burns)
    # A transfer of credit runs; then the answer is lost, of a call that was taken unless its id was used up.
    simulator.admin.fault("refuse", times=1, code=206)
    simulator.admin.fault("reset_before" if burns else "accept_then_reset", times=1)
    assert attempt(profile) == "queued"
    assert attempt(profile) == "sending"
    assert attempt(profile) == state
    assert reached(simulator) == texts
