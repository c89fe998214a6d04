"""The map of the house is true: docs/architecture.md names every room, and answers in a few files."""

import re

import pytest

from producers.contract.admission import ADMISSION
from tests.house.repository import files, name, rows, text

PAGE = text("docs/architecture.md")
#: Files that a reader opens for one story, or for one question, the page itself included.
STORY_MAX_FILES = 4


def rooms(package: str) -> set[str]:
    """List the packages directly below a package."""
    found = (re.fullmatch(rf"{package}/(\w+)/__init__\.py", name(path)) for path in files())
    return {match[1] for match in found if match}


def section(heading: str) -> str:
    """Return what stands below a heading, up to the next one of any level."""
    found = re.search(rf"^#+ {heading}$(.*?)(?=^#|\Z)", PAGE, re.MULTILINE | re.DOTALL)
    assert found
    return found[1]


@pytest.mark.parametrize("package", ["producers", "worker"])
def test_the_map_lists_every_room_and_no_other(package):
    listed = re.findall(rf"^\| \[\w+\]\(\.\./{package}/(\w+)\)", section(package), re.MULTILINE)

    assert set(listed) == rooms(package)


@pytest.mark.parametrize("flow", ["A message out", "A callback in"])
def test_a_flow_is_a_story_of_a_few_files(flow):
    told = re.findall(r"^\d\. \[", section(flow), re.MULTILINE)

    assert 0 < len(told) <= STORY_MAX_FILES


@pytest.mark.parametrize(("question", "short", "opened"), list(rows("docs/architecture.md", "Ten questions")))
def test_a_question_is_answered_by_the_page_and_a_few_files(question, short, opened):
    assert 0 < len(re.findall(r"\]\(", opened)) < STORY_MAX_FILES


def test_the_gates_are_listed_in_the_order_in_which_they_are_asked():
    assert [gate for _, gate, *_ in rows("docs/architecture.md", "Admission")] == list(ADMISSION)
