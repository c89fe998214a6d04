"""The script's own tests, with what `producers.testing` gives."""

from pathlib import Path

import pytest
import remind

from producers import QueueUnavailable

LIST = Path(__file__).with_name("appointments.csv")
ANNE, BERT = "+33612345678", "+33698765432"


@pytest.fixture(autouse=True)
def worker(monkeypatch, sms_outbox):
    """Let a worker send while the script waits."""
    monkeypatch.setattr(remind, "sleep", lambda _: sms_outbox.run_worker())


def test_everybody_is_reminded_and_the_script_waits_for_the_gateway(sms_outbox, capsys):
    assert remind.main(LIST) == 0

    sms_outbox.assert_sent(to=ANNE, text="Anne, we see you tomorrow at 9:30.")
    sms_outbox.assert_sent(to=BERT, text="Bert, we see you tomorrow at 10:00.")
    assert capsys.readouterr().out == "appointment-71 accepted\nappointment-72 accepted\n"


@pytest.mark.parametrize("queued", [False, True])
def test_a_second_run_after_an_outage_reminds_nobody_twice(sms_outbox, queued):
    sms_outbox.fail_next(QueueUnavailable, queued=queued)

    assert remind.main(LIST) == 1
    assert remind.main(LIST) == 0
    assert remind.main(LIST) == 0

    assert sorted(each.to for each in sms_outbox.sent) == [ANNE, BERT]


def test_a_wrong_row_keeps_the_list_from_being_sent_and_is_named(sms_outbox, tmp_path, capsys):
    wrong = tmp_path / "wrong.csv"
    wrong.write_text(LIST.read_text("utf-8").replace("+33 6 98 76 54 32", "06"), "utf-8")

    assert remind.main(wrong) == 2

    sms_outbox.assert_nothing_sent()
    assert "message 1: recipients[0].phone_number" in capsys.readouterr().err


def test_the_script_ends_when_the_time_is_up(sms_outbox, capsys):
    with sms_outbox.away():
        assert remind.main(LIST, seconds=0) == 1

    assert "appointment-71 queued" in capsys.readouterr().out
