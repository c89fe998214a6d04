"""The clients in `examples` do what their pages say, against a running installation and its API."""

import json
import sqlite3
import subprocess
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pytest

from tests.e2e.conftest import Install
from tests.support.example_programs import EXAMPLES, LANGUAGES, TOKEN, Language, needs
from tests.support.installation import Installation, new_number
from tests.support.tcp_proxy import TcpProxy
from tests.support.web_server import ApiServer
from worker.sandbox.free_port import free_port

TOKENS = {"API_TOKENS": f"shop:send+read+campaign:{TOKEN}"}


class World(NamedTuple):
    """An installation, and the API in front of it."""

    installation: Installation
    api_url: str
    api_port: int


@pytest.fixture(scope="module")
def world(install_for_module: Install, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    installation = install_for_module(web=True)
    environ = {**installation.environ, **TOKENS}
    with ApiServer(tmp_path_factory.mktemp("api") / "api.log", environ) as server:
        yield World(installation, server.url, server.port)


@pytest.fixture(params=LANGUAGES, ids=lambda each: each.name)
def language(request: pytest.FixtureRequest) -> Language:
    needs(request.param.name)
    return request.param


def test_a_question_whose_answer_got_lost_is_sent_once_and_the_reply_is_read_and_acknowledged(
    world, language, tmp_path
):
    installation, number, request_id = world.installation, new_number(), f"booking-{language.name}"
    with TcpProxy(world.api_port) as network:
        network.drop_next_reply(after=b"POST /v1/messages")
        url = f"http://127.0.0.1:{network.port}"
        with language.ask(tmp_path / "log", url, language.name, number) as program:
            program.wait_for(f"{request_id} accepted\n")
            assert network.replies_dropped == 1
            # The answer with the reply gets lost, too: the program asks for what it holds.
            network.drop_next_reply(after=b"held=0")
            answer_of_another_guest(installation)
            program.wait_for("Non\n")
            installation.wait_for(lambda: installation.handset(request_id))
            installation.gateway.reply(number, "Oui, à 20 h €")
            assert program.wait() == 0, program.output
            assert network.replies_dropped == 2

    assert program.output.count(f"{request_id} answered by {language.name}: Oui, à 20 h €\n") == 1
    assert len(installation.posts(request_id)) == 1
    replies = installation.keys.stream("replies")
    group = next(each for each in installation.redis.xinfo_groups(replies) if group_of(each, language))
    assert (group["pending"], group["lag"]) == (0, 0)


def answer_of_another_guest(installation: Installation) -> None:
    number = new_number()
    sent = installation.send(to=number, with_replies=True, context={"booking": "another"})
    installation.wait_for(lambda: installation.handset(sent))
    installation.gateway.reply(number, "Non")


def group_of(group: dict[str, Any], language: Language) -> bool:
    return group["name"].decode() == f"api.shop.bookings-{language.name}"


def test_the_receipt_of_one_message_is_waited_for_from_a_place_before_it(world, language, tmp_path):
    number, told = new_number(), {"OCTOPUSH_URL": world.api_url, "OCTOPUSH_TOKEN": TOKEN}
    with language.run(tmp_path / "log", "deliver", language.name, number, **told) as program:
        assert program.wait() == 0, program.output
    lines = program.output.splitlines()
    assert (lines[0], lines[-1]) == ("accepted", f"{number} delivered")


FORGET = {
    "php": """require $argv[1]; $octopush = new Octopush($argv[2], $argv[3], tries: 1);
        echo json_encode((object) $octopush->call('DELETE', '/v1/events/groups/replies/bookings'));""",
    "node": """const [path, url, token] = process.argv.slice(1); const { Octopush } = await import(path);
        const octopush = new Octopush(url, token, { tries: 1 });
        console.log(JSON.stringify(await octopush.call("DELETE", "/v1/events/groups/replies/bookings")));""",
}


def test_a_group_is_forgotten_and_the_empty_answer_is_no_lost_one(world, language):
    assert language.evaluate(FORGET, world.api_url, TOKEN) == {}


EVENTS = {
    "php": """require $argv[1]; $octopush = new Octopush($argv[2], $argv[3], tries: 1);
        $few = $octopush->events('replies', $argv[4], 'c', waitS: 0, max: 1);
        $new = $octopush->events('replies', "$argv[4]-new", 'c', waitS: 0, start: '$');
        echo json_encode([count($few), count($new)]);""",
    "node": """const [path, url, token, group] = process.argv.slice(1);
        const { Octopush } = await import(path);
        const octopush = new Octopush(url, token, { tries: 1 });
        const few = await octopush.events("replies", group, "c", { waitS: 0, max: 1 });
        const fresh = await octopush.events("replies", `${group}-new`, "c", { waitS: 0, start: "$" });
        console.log(JSON.stringify([few.length, fresh.length]));""",
}


def test_a_reader_says_how_many_events_it_takes_and_where_a_new_group_begins(world, language):
    replies = world.installation.keys.stream("replies")
    before = world.installation.redis.xlen(replies)
    for _ in range(2):
        world.installation.gateway.reply(new_number(), "Non")
    world.installation.wait_for(lambda: world.installation.redis.xlen(replies) >= before + 2)

    assert language.evaluate(EVENTS, world.api_url, TOKEN, f"few-{language.name}") == [1, 0]


def test_a_refusal_is_told_with_its_code_and_the_places_that_are_wrong(world, language, tmp_path):
    stranger = language.ask(tmp_path / "401", world.api_url, "1", new_number(), token="x" * 40)
    wrong = language.ask(tmp_path / "422", world.api_url, "1", "06")

    with stranger, wrong:
        assert (stranger.wait(), wrong.wait()) == (1, 1)
    assert stranger.output.startswith("401 unauthenticated: ")
    assert wrong.output.startswith("422 invalid: ")
    assert "\n  #/recipients/0: " in wrong.output


def test_an_sms_of_the_outbox_is_sent_once_when_the_api_comes_back_and_a_refused_one_keeps_nobody(
    world, tmp_path
):
    needs("php")
    php, number, database = LANGUAGES[1], new_number(), str(tmp_path / "bistro.sqlite3")
    for booking, to in (("41", "06"), ("42", number)):
        with php.run(tmp_path / f"book{booking}", "book", booking, to, DATABASE=database) as program:
            assert program.wait() == 0, program.output

    with TcpProxy(free_port()) as network:
        told = {
            "DATABASE": database,
            "OCTOPUSH_URL": f"http://127.0.0.1:{network.port}",
            "OCTOPUSH_TOKEN": TOKEN,
        }
        with php.run(tmp_path / "log", "hand_over", **told) as program:
            program.wait_for("booked-42 waits: 0 lost")
            with ApiServer(tmp_path / "api.log", {**world.installation.environ, **TOKENS}) as server:
                network.drop_next_reply(after=b"booked-42")
                network.move(server.port)
                program.wait_for("booked-42 queued\n")
                program.wait_for("booked-41 refused: 422 invalid: ")
        assert network.replies_dropped == 1

    world.installation.settled("booked-42")
    assert len(world.installation.gateway.messages(number=number)) == 1
    with sqlite3.connect(database) as connection:
        [(left, problem)] = connection.execute("SELECT request_id, problem FROM sms_outbox")
    assert (left, problem[:11]) == ("booked-41", "422 invalid")


def test_an_sms_of_what_is_rolled_back_is_gone_and_one_without_a_transaction_is_refused():
    needs("php")
    program = """require $argv[1]; require $argv[2];
        $outbox = new Outbox($database = new PDO('sqlite::memory:'));
        $outbox->createTable(); $database->beginTransaction();
        $outbox->add(['request_id' => 'booked-42']); $database->rollBack();
        try { $outbox->add(['request_id' => 'booked-43']); } catch (LogicException $error) {
            echo $error->getMessage(), ': ';
            echo $database->query('SELECT count(*) FROM sms_outbox')->fetchColumn();
        }"""
    files = [LANGUAGES[1].path(name) for name in ("Octopush", "Outbox")]
    done = subprocess.run(["php", "-r", program, *files], capture_output=True, text=True, check=False)
    assert done.stdout == "open the transaction of what the SMS tells of: 0", done.stderr


def test_a_campaign_that_is_sent_twice_texts_everybody_once_and_names_who_is_left_out(world, tmp_path):
    needs("php")
    php, people = LANGUAGES[1], [new_number() for _ in range(502)]
    people[1] = "06"
    people[501] = people[0]
    (tmp_path / "numbers.txt").write_text("\n".join(people), "utf-8")
    told = {"OCTOPUSH_URL": world.api_url, "OCTOPUSH_TOKEN": TOKEN}

    for log in ("first", "second"):
        with php.run(tmp_path / log, "campaign", "spring", str(tmp_path / "numbers.txt"), **told) as program:
            assert program.wait() == 0, program.output

    first, second = ((tmp_path / log).read_text("utf-8").splitlines() for log in ("first", "second"))
    assert first[0] == "part 0: 499 recipients"
    assert [line[:22] for line in first[1:4]] == [
        "  line 2 is left out: ",
        "part 1: 1 recipients",
        "  line 502 is left out",
    ]
    assert first[-1] == "done: 500 recipients, 0 pending"
    assert second == [*first[:4], first[-1]]
    shown = Counter(each.number for each in world.installation.gateway.messages(text="The terrace is open"))
    assert shown == Counter(set(people) - {"06"})

    (tmp_path / "numbers.txt").write_text("\n".join(people[1:]), "utf-8")
    with php.run(tmp_path / "third", "campaign", "spring", str(tmp_path / "numbers.txt"), **told) as program:
        assert program.wait() == 1
    assert program.output.startswith("409 part-conflict: ")


def test_a_campaign_whose_list_is_mostly_wrong_is_not_begun_and_keeps_its_id(world, tmp_path):
    needs("php")
    told = {"OCTOPUSH_URL": world.api_url, "OCTOPUSH_TOKEN": TOKEN}
    # Whoever looks at the first part alone finds nobody wrong.
    for name, people in {
        "nobody": ["06"] * 2,
        "few": [new_number() for _ in range(500)] + ["06"] * 501,
    }.items():
        (tmp_path / name).write_text("\n".join(people), "utf-8")
        with LANGUAGES[1].run(
            tmp_path / f"{name}.log", "campaign", name, str(tmp_path / name), **told
        ) as program:
            assert program.wait() == 1, program.output
        remain = len(people) - people.count("06")
        assert program.output.startswith(
            f"nothing is begun: of {len(people)} lines only {remain} remain; for example: "
        )
        assert "example: \n" not in program.output
        known = httpx.get(
            f"{world.api_url}/v1/campaigns/{name}", headers={"Authorization": f"Bearer {TOKEN}"}
        )
        assert known.json()["code"] == "unknown-campaign"


def called(program: str, *arguments: str) -> dict[str, Any]:
    """Run a PHP program of the tests, and return what it printed."""
    path = Path(__file__).parents[1] / "support" / "php" / f"{program}.php"
    done = subprocess.run(["php", str(path), *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout)


def test_what_messenger_retries_is_sent_once_through_the_symfony_transport(world):
    needs("php")
    installation, number = world.installation, new_number()
    with TcpProxy(world.api_port) as network:
        network.drop_next_reply(after=b"POST /v1/messages")
        dsn = f"octopush-worker+http://{TOKEN}@127.0.0.1:{network.port}?from=Bistro"
        results = called("symfony_calls", dsn, str(EXAMPLES / "symfony"), number)

    assert results["name"] == f"octopush-worker+http://127.0.0.1:{network.port}?from=Bistro"
    transport_exception = "Symfony\\Component\\Notifier\\Exception\\TransportException: "
    assert results["lost"] == transport_exception + "No answer of octopush-worker."
    assert results["named"] == "order-42-shipped"
    assert results["wrong"].startswith(transport_exception + "422 invalid: #/recipients/0: ")
    assert "Give the SMS its OctopushOptions" in results["bare"]
    installation.all_settled([results["retried"], results["named"]])
    shown = installation.gateway.messages(number=number)
    assert [(each.request_id, each.sender) for each in shown] == [
        (results["retried"], "Bistro"),
        ("order-42-shipped", "Cafe"),
    ]


def test_a_job_that_laravel_retries_sends_one_sms(world):
    needs("php")
    number = new_number()
    with TcpProxy(world.api_port) as network:
        network.drop_next_reply(after=b"POST /v1/messages")
        url = f"http://127.0.0.1:{network.port}"
        results = called("laravel_calls", url, TOKEN, str(EXAMPLES), number)

    request_id = "0b6f4b3e-8d0c-4e0e-9f43-4d7a3f1c2b5a"
    assert results == {"without a number": None, "lost": "lost", "retried": request_id}
    world.installation.settled(request_id)
    assert len(world.installation.gateway.messages(number=number)) == 1
