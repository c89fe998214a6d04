"""What docs/commands.md says of each command, for the tests that compare it with what is so."""

import re
from pathlib import Path
from typing import Final

_PAGE: Final = (Path(__file__).parents[2] / "docs" / "commands.md").read_text("utf-8")

#: The section of each command, by its name.
SECTIONS: Final = dict(re.findall(r"^### (.+?)\n(.*?)(?=^##|\Z)", _PAGE, re.MULTILINE | re.DOTALL))


def options(command: str) -> set[str]:
    """Name the arguments and options of a command."""
    return set(re.findall(r"`([^`]+)`", _line(command, "Options")))


def fields(command: str) -> set[str]:
    """Name the fields of a command's object."""
    return set(re.findall(r"`([^`]+)`", re.sub(r"\([^)]*\)", "", _line(command, "JSON"))))


def codes(command: str) -> set[int]:
    """Name the codes with which a command ends."""
    return set(map(int, re.findall(r"\d+", _line(command, "Ends with").partition(".")[0])))


def _line(command: str, begins: str) -> str:
    found = re.search(rf"^- {begins}: (.*)$", SECTIONS[command], re.MULTILINE)
    return found[1] if found else ""
