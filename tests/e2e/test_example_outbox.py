"""The outbox in PHP: which answers keep a row, which end a round, and that rows are sent as written."""

import socket

import pytest

from tests.e2e.test_example_answers import CUT, HTML, QUEUED, Scripted, problem
from tests.support.example_programs import LANGUAGES, needs
from tests.support.webhook_receiver import WebhookReceiver, answer

PHP = LANGUAGES[1]
#: Writes three messages, and hands them over in two rounds; prints what each said, and the problems left.
ROUNDS = {
    "php": """require $argv[1]; require dirname($argv[1]) . '/Outbox.php';
        $outbox = new Outbox($database = new PDO('sqlite::memory:')); $outbox->createTable();
        $database->beginTransaction();
        foreach (['a', 'b', 'c'] as $id) { $outbox->add(['request_id' => $id, 'recipients' => []]); }
        $database->commit();
        $octopush = new Octopush($argv[2], 'token', tries: 1, timeoutS: 1);
        foreach ([1, 2] as $n) {
            $told = [];
            foreach ($outbox->handOver($octopush) as [$id, $word]) { $told[] = "$id " . strtok($word, ':'); }
            $rounds[] = $told;
        }
        $left = $database->query('SELECT request_id, problem IS NULL FROM sms_outbox');
        echo json_encode([$rounds, (object) $left->fetchAll(PDO::FETCH_KEY_PAIR)]);"""
}


@pytest.fixture(autouse=True)
def php() -> None:
    needs("php")


@pytest.mark.parametrize("code", ["unauthenticated", "scope-missing"])
def test_a_wrong_token_ends_the_round_and_marks_no_row(code):
    status = {"unauthenticated": 401, "scope-missing": 403}[code]
    with WebhookReceiver() as receiver:
        Scripted(receiver, problem(status, code=code), QUEUED, QUEUED, QUEUED)
        rounds, left = PHP.evaluate(ROUNDS, f"http://127.0.0.1:{receiver.port}")

    assert rounds == [["a waits"], ["a queued", "b queued", "c queued"]]
    assert left == {}


@pytest.mark.parametrize(
    "failed",
    [
        CUT,
        HTML[1],
        problem(429, "Retry-After: 30", code="rate-limited"),
        problem(503, "Retry-After: 30", code="queue-unavailable"),
        answer(302, "Location: /elsewhere"),
        problem(404, code="no-route"),
        answer(403),
    ],
    ids=["lost", "502", "429", "503", "redirect", "wrong address", "proxy"],
)
def test_what_says_nothing_of_a_row_ends_the_round_and_the_next_round_begins_with_others(failed):
    with WebhookReceiver() as receiver:
        Scripted(receiver, failed, QUEUED, QUEUED)
        rounds, left = PHP.evaluate(ROUNDS, f"http://127.0.0.1:{receiver.port}")

    assert rounds == [["a waits"], ["b queued", "c queued"]]
    assert left == {"a": 1}


@pytest.mark.parametrize(
    ("status", "code"),
    [(400, "malformed-json"), (409, "request-id-conflict"), (413, "body-too-large"), (422, "invalid")],
)
def test_a_row_that_the_api_refuses_keeps_its_problem_and_the_others_go_on(status, code):
    with WebhookReceiver() as receiver:
        Scripted(receiver, problem(status, code=code), QUEUED, QUEUED)
        rounds, left = PHP.evaluate(ROUNDS, f"http://127.0.0.1:{receiver.port}")

    assert rounds == [["a refused", "b queued", "c queued"], []]
    assert left == {"a": 0}


def test_a_server_that_hangs_costs_a_round_one_time_out():
    with socket.create_server(("127.0.0.1", 0)) as silent:
        rounds, left = PHP.evaluate(ROUNDS, f"http://127.0.0.1:{silent.getsockname()[1]}")

    # The pause of the first row is over after the second, but for a slow clock: then it is tried again.
    assert [len(each) for each in rounds] == [1, 1]
    assert left == {"a": 1, "b": 1, "c": 1}


SAME = {
    "php": """require $argv[1]; require dirname($argv[1]) . '/Outbox.php';
        $message = ['request_id' => 'a', 'recipients' => [2 => '+33612345678'], 'context' => new stdClass()];
        $octopush = new Octopush($argv[2], 'token', tries: 1);
        $octopush->send($message);
        $outbox = new Outbox($database = new PDO('sqlite::memory:')); $outbox->createTable();
        $database->beginTransaction(); $outbox->add($message); $database->commit();
        foreach ($outbox->handOver($octopush) as $each) { echo json_encode($each); }"""
}


def test_a_message_of_the_outbox_is_sent_in_the_bytes_in_which_it_would_be_sent_without():
    with WebhookReceiver() as receiver:
        Scripted(receiver, QUEUED, QUEUED)
        assert PHP.evaluate(SAME, f"http://127.0.0.1:{receiver.port}") == ["a", "queued"]

        alone, kept = (post.body for post in receiver.posts)
    assert alone == kept == b'{"request_id":"a","recipients":["+33612345678"],"context":{}}'
