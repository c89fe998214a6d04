"""The Markdown pages hold together: links lead somewhere, commands exist, diagrams are diagrams."""

import re
from pathlib import Path

import pytest

from tests.house.repository import ROOT, blocks, files, modules, name, none_of, pages, prose, text

_LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
_MAKE_LINE = re.compile(r"^(?:\$ )?make((?: [a-z][a-z-]*)+)", re.MULTILINE)
_TARGET = re.compile(r"^([a-z][a-z-]*):(?!=)(.*)$", re.MULTILINE)
_DECISION = re.compile(r"\[(?:decision )?(\d+)\]\(([^)\s]+)\)")
#: A table, the line below its head, and what stands between two cells.
_TABLE = re.compile(r"(?:^ *\|.*\n)+", re.MULTILINE)
_RULE = re.compile(r"\|(?: *:?-+:? *\|)+")
_BAR = re.compile(r"(?<!\\)\|")
#: A file that a page names without a link, and a script that it names without its place.
_FILE = re.compile(r"`((?:producers|worker|tests|docs)/[\w/.]+\.\w+)`")
_SCRIPT = re.compile(r"\b(\w+\.lua)\b")
#: A newcomer reads the README once, prose, tables and blocks, and then sends an SMS.
README_MAX_WORDS = 1_300
_DIAGRAMS = ("sequenceDiagram", "stateDiagram-v2", "flowchart ")

each_page = pytest.mark.parametrize("page", pages(), ids=name)


def anchors(page: Path) -> set[str]:
    """Return the anchors of a page, made as GitHub makes them; other files have none."""
    if page.suffix != ".md":
        return set()
    found: set[str] = set()
    for heading in re.findall(r"^#+ +(.+?) *$", prose(page), re.MULTILINE):
        slug = re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
        number = sum(1 for known in found if re.fullmatch(rf"{re.escape(slug)}(-\d+)?", known))
        found.add(f"{slug}-{number}" if number else slug)
    return found


def broken(page: Path) -> list[str]:
    """List the relative links of a page that lead nowhere."""
    problems = []
    for link in _LINK.findall(prose(page)):
        if re.match(r"[a-z]+:", link):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        exists = target.is_relative_to(ROOT) and target.exists()
        if not exists or (anchor and anchor not in anchors(target)):
            problems.append(link)
    return problems


def makes(page: Path) -> set[str]:
    """Return the make targets that a page names, in blocks and in code spans."""
    spans = re.findall(r"`([^`\n]+)`", prose(page))
    lines = [*spans, *blocks(page, "sh"), *blocks(page, "")]
    return {word for line in lines for words in _MAKE_LINE.findall(line) for word in words.split()}


@each_page
def test_relative_links_and_anchors_lead_somewhere(page):
    assert broken(page) == []


@each_page
def test_a_decision_that_is_named_is_the_one_that_is_linked(page):
    none_of(
        f"{number}: {link}"
        for number, link in _DECISION.findall(prose(page))
        if link.partition("decisions.md")[1] and not link.partition("#")[2].startswith(f"{number}-")
    )


@each_page
def test_a_table_is_one_piece_and_each_row_has_the_cells_of_its_head(page):
    """Behind an empty line, or with a bar too many, a row is shown as text."""
    for table in _TABLE.findall(prose(page) + "\n"):
        head, rule, *rest = (line.strip() for line in f"{table}\n".splitlines())
        assert _RULE.fullmatch(rule), head
        none_of(line for line in [head, *rest] if line and len(_BAR.findall(line)) != len(_BAR.findall(rule)))


@each_page
def test_files_and_scripts_that_are_named_exist(page):
    paths = {name(path) for path in files()}
    scripts = {path.rpartition("/")[2] for path in paths}

    assert set(_FILE.findall(text(page))) - paths == set()
    assert set(_SCRIPT.findall(text(page))) - scripts == set()


@each_page
def test_make_targets_that_are_named_exist(page):
    assert makes(page) <= {target for target, _ in _TARGET.findall(text("Makefile"))}


@each_page
def test_diagrams_say_what_they_are_and_hold_something(page):
    for diagram in blocks(page, "mermaid"):
        first, *rest = [line for line in diagram.splitlines() if line.strip()]
        assert first.startswith(_DIAGRAMS), first
        assert len(rest) >= 3
        # A semicolon ends a Mermaid statement, also inside a text.
        assert ";" not in diagram


def test_the_architecture_is_drawn():
    assert blocks(ROOT / "docs" / "architecture.md", "mermaid")


def test_every_make_target_explains_itself():
    unexplained = [target for target, rest in _TARGET.findall(text("Makefile")) if "## " not in rest]

    assert unexplained == []


def test_every_phony_target_exists():
    phony = re.search(r"^\.PHONY: (.+)$", text("Makefile"), re.MULTILINE)

    assert phony
    assert sorted(phony[1].split()) == sorted(target for target, _ in _TARGET.findall(text("Makefile")))


def test_the_readme_names_the_test_command():
    assert "test" in makes(ROOT / "README.md")


def test_the_readme_is_read_in_one_go():
    assert len(text("README.md").split()) <= README_MAX_WORDS


def test_the_readme_leads_to_every_page_and_that_of_the_examples_to_each_of_them():
    examples = {f"examples/{link}" for link in _LINK.findall(text("examples/README.md"))}
    led_to = {"README.md", *_LINK.findall(text("README.md")), *examples}

    assert {name(page) for page in pages()} - led_to == set()


def test_the_pages_that_the_doctor_names_have_these_headings():
    named = {
        link
        for path in modules("worker")
        if path.parent.name == "doctor"
        for link in re.findall(r'"([a-z-]+\.md(?:#[\w-]+)?)"', text(path))
    }

    assert len(named) > 20
    none_of(
        f"docs/{link} is named and is not there"
        for link in sorted(named)
        if not (ROOT / "docs" / link.partition("#")[0]).exists()
        or ("#" in link and link.partition("#")[2] not in anchors(ROOT / "docs" / link.partition("#")[0]))
    )
