"""The admin interface and the process: what can be read and changed, starting and stopping."""

import http.client
import json
import socket
import subprocess
import sys
import time

import httpx
import pytest

from tests.support.simulator import SimulatorProcess, SimulatorThread
from tests.support.waiting import until
from worker.sandbox.simulator.settings import SimulatorSettings

NUMBER = "+33612345678"


def test_settings_are_read_and_changed_live(simulator):
    assert simulator.admin.settings() == SimulatorSettings()

    changed = simulator.admin.settings(latency_ms=5, receipts={"copies": 2})

    assert changed.latency_ms == 5
    assert (changed.receipts.copies, changed.receipts.ack_delay_ms) == (2, 200)


@pytest.mark.parametrize("change", [{"no_such": 1}, {"latency_ms": "soon"}, {"receipts": {"late": 1}}])
def test_a_wrong_setting_is_refused_and_changes_nothing(simulator, change):
    with pytest.raises(ValueError, match="/settings"):
        simulator.admin.settings(duplicate_code=182, **change)

    assert simulator.admin.settings() == SimulatorSettings()


def test_a_body_that_is_not_json_is_refused(simulator):
    answer = simulator.admin.http.post("/clock", content=b"later")

    assert answer.status_code == 400
    assert answer.json()["error"]


def test_reset_restores_everything(send_sms, simulator):
    ticket = send_sms(request_id="a").json()["sms_ticket"]
    admin = simulator.admin
    admin.settings(api_key="other", duplicate_code=182)
    admin.balance(1)
    admin.blacklist(add=NUMBER)
    admin.fault("503_before")
    admin.default_fault("503_before")
    admin.fate(copies=2)
    admin.auto_reply("YES")
    admin.advance(10)
    admin.stop_listening()

    admin.reset()

    assert admin.settings() == SimulatorSettings()
    assert (admin.balance(), admin.blacklist(), admin.faults()) == (1000, [], [])
    assert admin.call("GET", "/fates") == admin.call("GET", "/auto-replies") == []
    assert abs(admin.now() - time.time()) < 5
    assert admin.requests() == admin.accepted() == admin.messages() == []
    assert send_again(send_sms) == ticket


def send_again(send_sms):
    """Send on a new connection, since the old one was cut, and return the ticket."""
    try:
        return send_sms(request_id="a").json()["sms_ticket"]
    except httpx.TransportError:
        return send_sms(request_id="a").json()["sms_ticket"]


def test_messages_and_calls_are_found_by_what_they_carry(send_sms, simulator):
    first = send_sms(request_id="a").json()["sms_ticket"]
    send_sms("+33600000001", request_id="b")

    assert [m.request_id for m in simulator.admin.messages(number=NUMBER)] == ["a"]
    assert [m.number for m in simulator.admin.messages(request_id="b")] == ["+33600000001"]
    assert [m.request_id for m in simulator.admin.messages(ticket=first)] == ["a"]
    (accepted,) = simulator.admin.accepted("a")
    assert (accepted.ticket, accepted.numbers, accepted.cost) == (first, [NUMBER], 0.05)
    assert len(simulator.admin.accepted()) == 2


def test_connections_and_requests_are_counted(send_sms, simulator):
    for _ in range(3):
        send_sms()

    stats = simulator.admin.stats()
    assert (stats["posts"], stats["accepted"], stats["connections_opened"]) == (3, 3, 1)
    assert len({record.connection for record in simulator.admin.requests()}) == 1


def test_the_thread_starts_and_stops_fast():
    started = time.monotonic()
    for _ in range(5):
        with SimulatorThread(SimulatorSettings(balance=7)) as own:
            assert own.admin.balance() == 7
    assert time.monotonic() - started < 5


def test_a_second_simulator_cannot_take_the_port_of_another_program():
    blocker = socket.create_server(("127.0.0.1", 0))
    with blocker, pytest.raises(OSError, match="in use"):
        SimulatorThread(port=blocker.getsockname()[1])


def test_stopping_cuts_calls_under_way():
    own = SimulatorThread()
    own.admin.default_fault("silence_before")
    raw = http.client.HTTPConnection(own.url.removeprefix("http://"), timeout=10)
    raw.request("POST", "/v1/public/sms-campaign/send", body=b"{}")
    until(lambda: own.admin.stats()["under_way"])

    own.stop()

    with pytest.raises(ConnectionError):
        raw.getresponse()
    raw.close()


def test_the_command_line_serves_and_stops_on_sigterm():
    started = time.monotonic()
    with SimulatorProcess("--seed", "7", duplicate_code=182, receipts={"copies": 2}) as process:
        assert time.monotonic() - started < 10
        settings = process.admin.settings()
        assert (settings.seed, settings.duplicate_code, settings.receipts.copies) == (7, 182, 2)
        assert httpx.get(f"{process.base_url}/nowhere", trust_env=False).status_code == 404
        assert process.stop() == 0


def test_a_killed_simulator_comes_back_on_the_same_port():
    with SimulatorProcess() as first:
        port = first.url.rpartition(":")[2]
        first.kill()
    with SimulatorProcess("--port", port) as second:
        assert second.url == first.url


def test_settings_from_a_file(tmp_path):
    chosen = tmp_path / "simulator.json"
    chosen.write_text(json.dumps({"api_key": "from-file", "latency_ms": 3}))

    arguments = ("--config", str(chosen), "--callback-url", "http://127.0.0.1:9/", "--set", "api_login=a@b.c")
    with SimulatorProcess(*arguments, latency_ms=4) as process:
        settings = process.admin.settings()

    assert (settings.api_key, settings.latency_ms, settings.api_login) == ("from-file", 4, "a@b.c")
    assert settings.callback_url == "http://127.0.0.1:9/"


def test_a_wrong_option_is_explained():
    command = [sys.executable, "-m", "worker.sandbox.simulator", "--set", "no_such=1"]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)

    assert ended.returncode == 1
    assert "no_such" in ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize(
    ("host", "status"),
    [
        *(
            ("localhost", 200),
            ("localhost:1", 200),
            ("127.0.0.1", 200),
            ("127.0.0.1:80", 200),
            ("[::1]:80", 200),
        ),
        *(
            ("evil.example", 421),
            ("127.0.0.1.evil.example:80", 421),
            ("localhost.evil.example", 421),
            ("[x", 421),
        ),
    ],
)
def test_only_names_of_this_machine_are_answered(simulator, host, status):
    answer = simulator.admin.http.get("/health", headers={"Host": host})

    assert answer.status_code == status
