"""docs/tutorial.md does what it shows: its programs print what the page says, and its test passes."""

import runpy
import sys

import pytest

from tests.house.test_blocks import NUMBER, execute, written_files
from tests.support.code_blocks import code_blocks
from tests.support.shell_lines import calls

PAGE = [block for block in code_blocks() if block.page == "docs/tutorial.md"]


@pytest.fixture(autouse=True)
def directory(tmp_path, monkeypatch):
    """Write the files of the page."""
    for name, code in written_files(PAGE).items():
        (tmp_path / name).write_text(code, "utf-8")
    monkeypatch.chdir(tmp_path)


def test_the_programs_print_what_the_page_says(sms_outbox, monkeypatch, capsys):
    printed, compared = "", 0
    for block in PAGE:
        if block.language == "text":
            assert printed == block.code
            compared += 1
        for call in calls(block.code) if block.language == "sh" else ():
            if call.program == "python" and call.arguments[0] != "-m":
                printed = run(call.arguments, sms_outbox, monkeypatch, capsys)
    assert compared == 3

    sms_outbox.assert_sent(to=NUMBER, text="Thank you. See you tonight!")
    # The page promises so for whoever answers again.
    assert run(["answers.py"], sms_outbox, monkeypatch, capsys) == "booking 5: Oui\n"


def run(arguments, outbox, monkeypatch, capsys) -> str:
    """Run a program, after a person has done what the page asks for."""
    if arguments[0] == "answers.py":
        outbox.reply(NUMBER, "Oui")
    monkeypatch.setattr(sys, "argv", arguments)
    runpy.run_path(arguments[0])
    return capsys.readouterr().out


def test_a_second_answer_is_printed_and_not_thanked_for(sms_outbox, monkeypatch, capsys):
    run(["ask.py", "4", NUMBER], sms_outbox, monkeypatch, capsys)
    for _ in range(2):
        assert run(["answers.py"], sms_outbox, monkeypatch, capsys) == "booking 4: Oui\n"

    sms_outbox.assert_sent(text="Thank you. See you tonight!", times=1)


def test_the_test_of_the_page_passes(sms_outbox, monkeypatch):
    names = {}
    [block] = [each for each in PAGE if each.code.startswith("# test_ask.py")]
    execute(block, names)

    names["test_a_guest_who_answers_is_thanked"](sms_outbox, monkeypatch)
