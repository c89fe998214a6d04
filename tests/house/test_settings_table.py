"""One declaration per setting; docs/settings.md and .env.example say the same."""

import dataclasses
import itertools
import re

import pytest

from producers.contract.secret import Secret
from producers.contract.settings import WebSettings
from producers.rules.settings import RulesSettings
from producers.settings import ProducerSettings
from tests.house.repository import modules, name, none_of, rows, text
from tests.support.worker_process import procfile_line
from worker.api.settings import ApiSettings
from worker.console.settings import ConsoleSettings
from worker.mail.settings import MailInSettings, MailSettings
from worker.metrics.settings import MetricsSettings
from worker.sandbox.installation import LISTENING
from worker.settings import WorkerSettings
from worker.webhooks.settings import WebhookSettings

READERS = {
    "app": ProducerSettings,
    "web": WebSettings,
    "worker": WorkerSettings,
    "api": ApiSettings,
    "metrics": MetricsSettings,
    "console": ConsoleSettings,
    "forward-http": WebhookSettings,
    "forward-email": MailSettings,
    "mail-in": MailInSettings,
    "hours": RulesSettings,
}
DECLARED = {
    field.metadata["variable"]: field for kind in READERS.values() for field in dataclasses.fields(kind)
}
#: Variables of the Procfile with their defaults, by process type.
PROCFILE = {
    line.partition(":")[0]: dict(re.findall(r"\$\{(\w+):-([^}]*)\}", line))
    for line in text("Procfile").splitlines()
}
TABLE = {cells[0].strip("`"): cells for cells in rows("docs/settings.md", "Settings")}
EXAMPLE = re.findall(r"^#?([A-Z][A-Z0-9_]*)=(.*)$", text(".env.example"), re.MULTILINE)


def written(default: object) -> str | None:
    """Write a default as a variable's value, nothing if it is absent; None if the variable is required."""
    if default is dataclasses.MISSING:
        return None
    if default is None:
        return ""
    if isinstance(default, bool):
        return str(int(default))
    if isinstance(default, tuple):
        return ",".join(default)
    if isinstance(default, Secret):
        return default.reveal()
    return f"{default:g}" if isinstance(default, float) else str(default)


def defaults() -> dict[str, str | None]:
    """Return every variable with its default."""
    declared = {name: written(field.default) for name, field in DECLARED.items()}
    return declared | {name: value for shell in PROCFILE.values() for name, value in shell.items()}


def readers(name: str) -> list[str]:
    """List who reads a variable."""
    if name not in DECLARED:
        return [process for process, shell in PROCFILE.items() if name in shell]
    return [
        reader
        for reader, kind in READERS.items()
        if name in {field.metadata["variable"] for field in dataclasses.fields(kind)}
    ]


def test_every_setting_is_used():
    """Outside of where it is declared; or by a property there, which turns it into another unit."""
    homes = {f"{kind.__module__.replace('.', '/')}.py" for kind in READERS.values()}
    users = "".join(text(path) for path in modules("producers", "worker") if name(path) not in homes)
    properties = "".join(
        re.findall(r"@property\n.*?(?=\n\n|\Z)", "".join(map(text, sorted(homes))), re.DOTALL)
    )
    none_of(
        f"nobody reads .{field.name} of {variable}"
        for variable, field in DECLARED.items()
        if not re.search(rf"\.{field.name}\b", users + properties)
    )


def test_the_table_lists_every_variable_and_no_other():
    assert sorted(defaults()) == sorted(TABLE)


@pytest.mark.parametrize("name", sorted(defaults()))
def test_the_table_gives_the_default_and_the_readers(name):
    _, _, default, read_by = TABLE[name]
    expected = defaults()[name]

    assert ("required" if expected is None else f"`{expected}`" if expected else "none") == default
    assert ", ".join(readers(name)) == read_by


@pytest.mark.parametrize("name", sorted(DECLARED))
def test_the_table_uses_the_words_of_the_declaration(name):
    assert TABLE[name][1].startswith(DECLARED[name].metadata["about"])


def test_the_example_gives_every_variable_once_with_its_default():
    assert sorted(name for name, _ in EXAMPLE) == sorted(defaults())
    assert {name: default or "" for name, default in defaults().items()} == dict(EXAMPLE)


def test_the_example_sets_what_is_required_and_nothing_else():
    given = re.findall(r"^([A-Z][A-Z0-9_]*)=", text(".env.example"), re.MULTILINE)

    assert sorted(name for name, default in defaults().items() if default is None) == sorted(given)


def test_the_example_explains_each_variable():
    lines = text(".env.example").splitlines()
    for above, line in itertools.pairwise(lines):
        if re.match(r"#?[A-Z][A-Z0-9_]*=", line):
            assert re.match(r"# \w", above), line


@pytest.mark.parametrize("process", LISTENING)
def test_up_looks_where_each_process_listens(process):
    (address, port), line = LISTENING[process].variables, procfile_line(process)
    known = {each.metadata["variable"]: str(each.default) for each in dataclasses.fields(READERS[process])}
    known |= dict(re.findall(r"\$\{(\w+):-([^}]+)\}", line))

    assert (known[address], known[port]) == (LISTENING[process].address, LISTENING[process].port)
