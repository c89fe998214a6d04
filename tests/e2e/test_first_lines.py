"""The first line of a process that listens: where, and what it lacks."""

import base64
import json
import os
import signal
import subprocess
import sys

import pytest

from tests.support.installation import bare_environment
from worker.sandbox.free_port import free_port

KEY = base64.b64encode(bytes(range(32))).decode()
COMMANDS = {
    "web": {"CALLBACK_TOKENS": "callback-token-0123456789", "PSEUDONYM_KEYS": KEY},
    "console": {"CONSOLE_TOKENS": "operator:ben:ben-operator-0123456789-abcdefghij"},
    "api": {"API_TOKENS": "shop:shop-all-0123456789-abcdefghijklmnop"},
}


def start(command: str, redis_url: str, port: int) -> subprocess.Popen[str]:
    ports = dict.fromkeys(("PORT", "CONSOLE_PORT", "API_PORT"), str(port))
    environ = {
        **bare_environment(),
        **COMMANDS[command],
        **ports,
        "REDIS_URL": redis_url,
        "HOST": "127.0.0.1",
    }
    return subprocess.Popen(
        [sys.executable, "-m", "octopush_worker", command],
        env=environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.fixture(scope="module")
def first_lines(redis_server):
    """Start each process with Redis and without, all at a time; give the lines of each until it ends."""
    ports = {command: free_port() for command in COMMANDS}
    urls = {"there": redis_server.url, "away": f"redis://:canary@127.0.0.1:{free_port()}/0"}
    started = {
        (command, redis): start(command, url, ports[command] if redis == "away" else free_port())
        for command in COMMANDS
        for redis, url in urls.items()
    }
    told = {}
    for which, process in started.items():
        first = process.stderr.readline()
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=60)
        told[which] = [json.loads(each) for each in (first + err + out).splitlines()]
    return ports, urls, told


@pytest.mark.parametrize("command", COMMANDS)
def test_one_line_says_where_it_listens(first_lines, command):
    _, _, told = first_lines
    [line] = told[command, "there"]

    assert line["event"] == f"{command}.listening"
    assert line["url"].startswith("http://127.0.0.1:")
    assert line.get("problem", "") == (
        "CONSOLE_SENDER is empty: only two-way answers can be sent" if command == "console" else ""
    )


@pytest.mark.parametrize("command", COMMANDS)
def test_the_line_says_that_redis_is_away_and_no_secret(first_lines, command):
    ports, urls, told = first_lines
    [line] = told[command, "away"]

    where = urls["away"].replace(":canary@", "")
    assert (line["level"], line["url"]) == ("warning", f"http://127.0.0.1:{ports[command]}")
    assert line["problem"].startswith(f"Redis at {where} does not answer (ConnectionError)")
    assert "canary" not in os.linesep.join(map(str, told[command, "away"]))
