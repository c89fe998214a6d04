"""What deploy/ names exists: commands with their options, variables, ports, files. Nothing is started."""

import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import click
import pytest
import yaml

from tests.house.repository import ROOT, files, name, text
from tests.support.redis_users import rules
from tests.support.worker_process import procfile_line
from worker.cli import main
from worker.forwarding.runner import RECORD_S
from worker.mail.postbox import MAIL_MAX_S
from worker.metrics.settings import MetricsSettings
from worker.process import sentry, tracing
from worker.process.connection import REDIS_TIMEOUT_S
from worker.process.launch import GRACE_S, SHUTDOWN_MS
from worker.sandbox import processes
from worker.sending.recorder import STOP_S
from worker.webhooks.sender import ANSWER_S, TIMEOUT_S

DEPLOY: Final = ROOT / "deploy"
UNITS: Final = sorted((DEPLOY / "systemd").glob("*.service"))
COMPOSE: Final[dict[str, Any]] = yaml.safe_load(text("deploy/compose.yaml"))
#: Services that run the image of this repository.
OURS: Final = {each: it for each, it in COMPOSE["services"].items() if it["image"] == "octopush-worker"}
#: The objects of the cluster, but for the list of their files.
KUBERNETES: Final[list[dict[str, Any]]] = [
    each
    for path in sorted((DEPLOY / "kubernetes").glob("*.yaml"))
    for each in yaml.safe_load_all(path.read_text("utf-8"))
    if "metadata" in each
]
#: Variables that are not ours: uvicorn's, Python's.
FOREIGN: Final = {"FORWARDED_ALLOW_IPS", "PYTHONDONTWRITEBYTECODE", "PYTHONUNBUFFERED"}
#: Seconds that each process takes at most to stop: what it has begun, then what it records in a Redis that
#: hangs and lets it wait once more, then what it tells others of itself. None of these is a setting.
NEEDED_S: Final = {
    "worker": SHUTDOWN_MS / 1000 + STOP_S + REDIS_TIMEOUT_S + tracing.FLUSH_S + sentry.FLUSH_S,
    **dict.fromkeys(("web", "console", "api", "metrics"), float(GRACE_S)),
    "forward-http": TIMEOUT_S + ANSWER_S + RECORD_S + REDIS_TIMEOUT_S,
    "forward-email": MAIL_MAX_S + RECORD_S + REDIS_TIMEOUT_S,
}
#: Seconds that a loaded machine may take besides.
MARGIN_S: Final = 5
#: Who works as which user of Redis, where the names differ.
USER_OF: Final = {"forward-http": "forwarder"}


def runs(words: list[str]) -> None:
    """Read a command line as ``octopush-worker`` does, and do nothing."""
    command: click.Command = main
    rest, path = list(words), ["octopush-worker"]
    while isinstance(command, click.Group) and rest and rest[0] != "--version":
        path.append(rest.pop(0))
        assert path[-1] in command.commands, " ".join(path)
        command = command.commands[path[-1]]
    if rest != ["--version"]:
        command.make_context(" ".join(path), rest)


def known(variable: str) -> bool:
    """Say whether the table of settings has a variable, or somebody else's papers do."""
    return variable in FOREIGN or f"\n| `{variable}` |" in text("docs/settings.md")


def unit(path: Path) -> dict[str, list[str]]:
    """Read the settings of a unit; one may stand there several times."""
    found: dict[str, list[str]] = {}
    for line in path.read_text("utf-8").splitlines():
        if line and line[0] not in "#[":
            key, _, value = line.partition("=")
            found.setdefault(key, []).append(value)
    return found


@pytest.mark.parametrize("path", UNITS, ids=lambda path: path.name)
def test_a_unit_runs_a_command_of_ours_with_its_own_files(path):
    it = unit(path)
    process = re.match(r"octopush-([a-z-]+)@?\.service", path.name)[1]
    [line] = it["ExecStart"]
    program, *words = shlex.split(line)

    assert program == "/opt/octopush/bin/octopush-worker"
    assert words[0] == process
    runs(words)
    user = USER_OF.get(process, process)
    assert user in rules()
    assert it["EnvironmentFile"] == [
        f"/etc/octopush/{each}.env" for each in ("common", f"redis/{user}", process)
    ]
    assert {
        each.partition("=")[0] for each in it.get("Environment", ()) if not known(each.partition("=")[0])
    } == set()
    assert (it["DynamicUser"], it["ProtectSystem"], it["Restart"]) == (["yes"], ["strict"], ["always"])


def test_there_is_a_unit_for_each_line_of_the_procfile_and_a_service_too():
    processes = {line.partition(":")[0] for line in text("Procfile").splitlines() if line}

    assert {re.sub(r"octopush-|@|\.service", "", path.name) for path in UNITS} == processes
    assert set(OURS) == processes


def test_each_process_has_the_time_that_it_needs_to_stop_and_some_more():
    granted = dict(granted_s())

    assert {process for by, process in granted if by == "up"} == set(NEEDED_S)
    assert {process for _, process in granted} == set(NEEDED_S)
    assert {each: s for each, s in granted.items() if s < NEEDED_S[each[1]] + MARGIN_S} == {}


def granted_s() -> Iterator[tuple[tuple[str, str], int]]:
    """Give the seconds between SIGTERM and SIGKILL, by who grants them and process."""
    for path in UNITS:
        process = re.sub(r"octopush-|@|\.service", "", path.name)
        yield ("systemd", process), int(unit(path)["TimeoutStopSec"][0])
    for process, service in OURS.items():
        yield ("compose", process), int(service["stop_grace_period"].removesuffix("s"))
    for pod, container in containers():
        yield ("kubernetes", container["name"]), pod["spec"]["terminationGracePeriodSeconds"]
    for process, s in processes.GRACE_S.items():
        yield ("up", process), int(s)


def test_the_page_says_how_long_each_process_takes_to_stop():
    rows = re.findall(
        r"^\| ([a-z, `-]+) \| (\d+) s: .*\| (\d+) s \|$", text("deploy/README.md"), re.MULTILINE
    )
    said = {each: (float(needed), int(given)) for names, needed, given in rows for each in names.split(", ")}

    assert {each: needed for each, (needed, _) in said.items()} == NEEDED_S
    assert {(process, s) for (_, process), s in granted_s()} == {(each, s) for each, (_, s) in said.items()}


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not here")
def test_systemd_finds_nothing_wrong_with_the_units():
    verify = ["systemd-analyze", "verify", *UNITS]
    done = subprocess.run(verify, check=False, capture_output=True, text=True, timeout=60)
    # The program of the units is where operators install it, and not here.
    not_here = "Command /opt/octopush/bin/octopush-worker is not executable"
    assert [line for line in done.stderr.splitlines() if not_here not in line] == []


@pytest.mark.parametrize("service", OURS)
def test_a_service_runs_a_command_of_ours_with_its_own_files(service):
    it = OURS[service]

    runs(it["command"])
    assert it["command"][0] == service
    user = USER_OF.get(service, service)
    assert it["env_file"] == [f"./secrets/{each}.env" for each in ("common", f"redis/{user}", service)]
    assert {each for each in it.get("environment", {}) if not known(each)} == set()
    assert it["read_only"] is True
    for published in it.get("ports", ()):
        address, outside, inside = published.split(":")
        assert (address, outside) == ("127.0.0.1", inside)
        [command] = [main.commands[service]]
        assert inside in {str(each.default) for each in command.params} | {"8002"}


def mounted() -> Iterator[str]:
    for service in COMPOSE["services"].values():
        for volume in service.get("volumes", ()):
            source = volume.partition(":")[0]
            if source.startswith("./") and not source.startswith("./secrets/"):
                yield "deploy/" + source.removeprefix("./")


def test_files_that_are_mounted_are_there():
    there = {name(path) for path in files()}
    assert set(mounted()) <= there


def test_the_server_of_the_composition_keeps_every_write():
    words = COMPOSE["services"]["valkey"]["command"]
    given = dict(zip(words[1::2], words[2::2], strict=True))

    assert (given["--appendonly"], given["--appendfsync"]) == ("yes", "always")
    assert given["--maxmemory-policy"] == "noeviction"


def containers() -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    for each in KUBERNETES:
        if each["kind"] in {"Deployment", "StatefulSet"}:
            pod = each["spec"]["template"]
            for container in pod["spec"]["containers"]:
                yield pod, container


def test_each_container_runs_a_command_of_ours_and_can_write_nowhere():
    found = list(containers())
    assert {container["name"] for _, container in found} == {"worker", "web", "metrics", "console"}
    for pod, container in found:
        runs(container["args"])
        process = container["args"][0]
        assert container["securityContext"]["readOnlyRootFilesystem"] is True
        assert pod["spec"]["securityContext"]["runAsUser"] == 10001
        secrets = [each["secretRef"]["name"] for each in container["envFrom"]]
        assert secrets == ["octopush-common", f"octopush-redis-{process}", f"octopush-{process}"]
        assert all(f" {secret} " in text("deploy/README.md") for secret in secrets)
        for port in container.get("ports", ()):
            ports = {each.default for each in main.commands[process].params} | {MetricsSettings.port}
            assert port["containerPort"] in ports


def test_objects_of_the_cluster_find_each_other():
    labels = {pod["metadata"]["labels"]["app"] for pod, _ in containers()}
    names = {each["metadata"]["name"] for each in KUBERNETES}
    listed = yaml.safe_load(text("deploy/kubernetes/kustomization.yaml"))["resources"]

    assert {*listed, "kustomization.yaml"} == {path.name for path in (DEPLOY / "kubernetes").glob("*.yaml")}
    wanted = re.findall(r"app: ([a-z-]+)", "".join(text(DEPLOY / "kubernetes" / each) for each in listed))
    assert set(wanted) <= labels
    scaled = [each["spec"]["scaleTargetRef"]["name"] for each in KUBERNETES if each["kind"] == "ScaledObject"]
    assert set(scaled) <= names
    [closed] = [each for each in KUBERNETES if each["metadata"]["name"] == "octopush-closed"]
    assert closed["spec"] == {"podSelector": {}, "policyTypes": ["Ingress"]}


def test_what_the_image_copies_is_there_and_runs_as_nobody():
    lines = text("deploy/Dockerfile").splitlines()
    ignored = [
        line[1:] for line in text("deploy/Dockerfile.dockerignore").splitlines() if line.startswith("!")
    ]
    for line in lines:
        if line.startswith("COPY ") and "--from" not in line:
            sources = line.split()[1:-1]
            assert [each for each in sources if not (ROOT / each).exists() or each not in ignored] == []
        # Each step is a list of words: no shell reads it.
        assert not re.match(r"(RUN|CMD|ENTRYPOINT) (?!\[)", line), line
    assert "USER 10001:10001" in lines
    for variable in re.findall(r"(\w+)=", next(line for line in lines if line.startswith("ENV "))):
        assert known(variable), variable
    assert "WORKER_PROCESSES" in procfile_line("worker")


def test_the_build_lock_has_what_the_locks_of_developers_have():
    builds, all_of_it = ("\n" + text(each) for each in ("deploy/build.lock", "requirements-dev.lock"))
    requirements = re.split(r"\n(?=\S)", builds.strip())

    assert {each.partition("==")[0] for each in requirements} >= {"hatchling"}
    assert [each for each in requirements if each not in all_of_it] == []


@pytest.mark.parametrize("path", UNITS, ids=lambda path: path.name)
def test_systemd_never_gives_a_unit_up(path):
    """A process that ends at once while Redis is away is begun again more than five times in ten seconds."""
    assert unit(path)["StartLimitIntervalSec"] == ["0"]


def test_a_node_with_the_last_worker_can_be_drained_and_applying_scales_nothing_down_below_the_least():
    workers = {
        each["kind"]: each["spec"] for each in KUBERNETES if each["metadata"]["name"] == "octopush-worker"
    }

    assert workers["PodDisruptionBudget"]["maxUnavailable"] == 1
    assert workers["ScaledObject"]["minReplicaCount"] == workers["Deployment"]["replicas"]


def test_operators_get_the_values_that_units_get_and_no_shell_runs_them(tmp_path):
    (tmp_path / "redis").mkdir()
    (tmp_path / "common.env").write_text(
        "# A comment\nPSEUDONYM_KEYS=a+/=,b==\nSENDER=Mon Bistro\nPRICE=$(touch "
        + str(tmp_path / "ran")
        + ')\nQUOTED="a b"\n\n'
    )
    (tmp_path / "redis/operator.env").write_text(
        "REDIS_URL=rediss://o:p@h:1/0?ssl_ca_certs=/a&ssl_check_hostname=1"
    )
    script = text("deploy/octopush").replace("/etc/octopush", str(tmp_path))
    script = script.replace("/opt/octopush/bin/octopush-worker", "/usr/bin/env")

    done = subprocess.run(["sh", "-c", script], check=True, capture_output=True, text=True, timeout=20)

    told = dict(line.partition("=")[::2] for line in done.stdout.splitlines())
    assert told["PSEUDONYM_KEYS"] == "a+/=,b=="
    assert (told["SENDER"], told["QUOTED"]) == ("Mon Bistro", "a b")
    assert told["PRICE"].startswith("$(touch ")
    assert told["REDIS_URL"].endswith("/a&ssl_check_hostname=1")
    assert not (tmp_path / "ran").exists()


def test_operators_look_at_the_spool_that_the_unit_of_web_names():
    [spool] = re.findall(r"^export (CALLBACK_SPOOL_DIR=\S+)$", text("deploy/octopush"), re.MULTILINE)
    assert spool in unit(DEPLOY / "systemd/octopush-web.service")["Environment"]
