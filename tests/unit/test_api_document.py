"""The OpenAPI document: valid, complete, and as the table of operations makes it."""

import re

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from tests.house.repository import ROOT, text
from tests.support.openapi_page import PAGE, written
from worker.api.app import ALL
from worker.api.openapi import document
from worker.api.problems import KINDS

DOCUMENT = document(ALL)
PROSE = text("docs/http-api.md")


def test_the_page_is_what_the_table_makes():
    assert PAGE.read_text("utf-8") == written(), "make openapi"


def test_the_document_is_valid():
    OpenAPIV31SpecValidator(DOCUMENT).validate()


def test_every_parameter_that_is_text_says_in_words_what_it_takes():
    texts = [each for operation in ALL for each in operation.query if not each.is_integer]

    assert [each.name for each in texts if not (each.pattern and each.takes)] == []
    # A pattern is no words.
    assert [each.name for each in texts if re.search(r"[\[\]{}|\\]", each.takes)] == []


def test_every_operation_has_a_name_of_its_own_for_generated_clients():
    names = [each["operationId"] for methods in DOCUMENT["paths"].values() for each in methods.values()]

    assert len(set(names)) == len(names)
    assert all(re.fullmatch("[a-z_]+", name) for name in names)


def test_the_document_lists_the_reasons_that_the_command_has_for_a_message_that_is_known():
    section = re.split(r"^### ", text("docs/commands.md"), flags=re.MULTILINE)
    [page] = [each for each in section if each.startswith("explain\n")]
    listed = re.findall(r"^\| `([a-z_]+)` \|", page, re.MULTILINE)

    told = DOCUMENT["components"]["schemas"]["ExplainAnswer"]["properties"]["reason"]["examples"]
    assert [*told, "forgotten"] == [*listed[1:], listed[0]]


@pytest.mark.parametrize("operation", ALL, ids=lambda each: f"{each.method} {each.path}")
def test_the_page_about_the_api_has_every_operation(operation):
    assert re.search(rf"^\| {operation.method} \| `{re.escape(operation.path)}` \|", PROSE, re.MULTILINE)


def test_the_page_about_the_api_has_every_problem_and_no_other():
    listed = re.findall(r"^\| (\d{3}) \| ((?:`[a-z-]+`(?:, )?)+) \|", PROSE, re.MULTILINE)
    named = {(int(status), code) for status, codes in listed for code in re.findall("[a-z-]+", codes)}

    assert named == {(kind.status, code) for code, kind in KINDS.items()}


def test_every_problem_is_raised_by_somebody():
    source = "".join(path.read_text("utf-8") for path in (ROOT / "worker" / "api").glob("*.py"))

    assert [code for code in KINDS if source.count(f'"{code}"') < 2] == []
