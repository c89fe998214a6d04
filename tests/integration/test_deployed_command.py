"""deploy/octopush: the commands with the settings that are installed on a host."""

import json
import secrets
import subprocess
import sys
from pathlib import Path

from tests.house.repository import ROOT

#: What a shell would take for its own words.
ODD = {
    "OTEL_RESOURCE_ATTRIBUTES": "a=$HOME & b <c>",
    "MAIL_FROM": "a@example.com",
    "MAIL_TO": "'b@example.com'",
    "MAIL_URL": "smtp://127.0.0.1:25",
}


def installed(directory: Path, redis_url: str) -> Path:
    """Install the settings and the command below a directory."""
    (directory / "redis").mkdir()
    files = {
        "common.env": "# for all\nREDIS_REPLICAS=1\n",
        "worker.env": 'OCTOPUSH_API_LOGIN=a@example.com\nOCTOPUSH_API_KEY="kX7"',
        "web.env": "CALLBACK_TOKENS=" + secrets.token_hex(24),
        "forward-email.env": "\n".join(f"{name}={value}" for name, value in ODD.items()),
        "redis/operator.env": f"REDIS_URL={redis_url}\n",
    }
    for name, content in files.items():
        (directory / name).write_text(content)
    text = (ROOT / "deploy/octopush").read_text("utf-8")
    text = text.replace("/etc/octopush", str(directory)).replace(
        "/opt/octopush/bin", str(Path(sys.executable).parent)
    )
    command = directory / "octopush"
    command.write_text(text)
    command.chmod(0o700)
    return command


def run(command: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [command, *arguments], capture_output=True, text=True, check=False, env={"PATH": "/usr/bin:/bin"}
    )


def test_doctor_looks_at_the_settings_of_all_processes_together(tmp_path, redis_client, redis_url):
    told = run(installed(tmp_path, redis_url), "doctor", "--json", "--all")

    findings = json.loads(told.stdout)["findings"]
    [replicas] = [each["finding"] for each in findings if each["check"] == "topology.replicas"]
    assert replicas.startswith("REDIS_REPLICAS is 1, and 0 are connected")
    assert [each for each in findings if "one environment" in each["finding"]] == []
    assert [each for each in findings if each["check"] == "settings.wrong"] == []
    [well] = [each["finding"] for each in findings if each["check"] == "settings.values"]
    assert all(name in well for name in ("worker", "web", "forward-email"))


def test_doctor_looks_at_the_spool_of_the_web_process(tmp_path, redis_client, redis_url):
    command, spool = installed(tmp_path, redis_url), tmp_path / "spool"
    command.write_text(command.read_text().replace("/var/lib/octopush-web/spool", str(spool)))
    (spool / "sms").mkdir(parents=True)
    (spool / "sms" / "1-2-3.spool").write_bytes(b"x")

    told = run(command, "doctor", "--json", "--all")

    found = {each["check"]: each["level"] for each in json.loads(told.stdout)["findings"]}
    assert found["spool.waiting"] == "warning"
    assert "spool.directory" not in found


def test_the_spool_is_where_the_file_of_web_says_and_commands_of_the_gateway_get_its_account(tmp_path):
    command = installed(tmp_path, "redis://127.0.0.1:1/0")
    with (tmp_path / "web.env").open("a") as file:
        file.write(f"\nCALLBACK_SPOOL_DIR={tmp_path}\n")
    command.write_text(command.read_text().rpartition("exec ")[0] + "env\n")

    erase, callbacks = (run(command, each, "show").stdout for each in ("person", "callbacks"))
    assert f"CALLBACK_SPOOL_DIR={tmp_path}" in erase.splitlines()
    assert "CALLBACK_TOKENS" not in erase
    assert "OCTOPUSH_API_KEY=kX7" in callbacks.splitlines()
    assert "CALLBACK_TOKENS" in callbacks


def test_other_commands_get_no_secret_of_a_process(tmp_path, redis_client, redis_url):
    command = installed(tmp_path, redis_url)
    assert json.loads(run(command, "status", "--json").stdout)["workers"]["alive"] == 0
    command.write_text(command.read_text().rpartition("exec ")[0] + "env\n")

    assert "REDIS_REPLICAS=1" in run(command, "status").stdout
    assert "OCTOPUSH_API_KEY" not in run(command, "status").stdout
    gathered = run(command, "doctor").stdout.splitlines()
    assert {
        "OCTOPUSH_API_KEY=kX7",
        f"OTEL_RESOURCE_ATTRIBUTES={ODD['OTEL_RESOURCE_ATTRIBUTES']}",
        "MAIL_TO=b@example.com",
    } <= set(gathered)
    assert f"MAIL_URL={ODD['MAIL_URL']}" in gathered
