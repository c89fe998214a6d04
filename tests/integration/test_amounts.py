"""Amounts of money have one form wherever an application reads them, however the gateway wrote them."""

import json
from decimal import Decimal
from importlib.resources import files

from click.testing import CliRunner

from producers import Feed, Producer
from producers.contract.amounts import plain_amount
from producers.settings import ProducerSettings
from tests.support.api_client import ApiClient, api_settings
from tests.support.hand_worker import KEYS, HandWorker
from tests.support.spending import budgets
from tests.support.template_sends import only, send_codes
from worker.cli import main
from worker.gateway.outcomes import Accepted
from worker.queue.entries import is_call
from worker.webhooks.payload import body_of


def test_scripts_write_amounts_as_python_does(redis_client):
    part = (files("producers.contract") / "lua" / "amounts.lua").read_text("utf-8")

    def of_lua(written: str) -> str:
        return redis_client.eval(f"{part}\nreturn plain_amount(ARGV[1])", 0, written).decode()

    amounts = ("0.0490", "0.049", "0", "0.00", "-0.0", "12", "100", "1.50", "1e-05", "1E+2", "99999.00001")
    for written in amounts:
        assert of_lua(written) == plain_amount(Decimal(written)), written
    assert [of_lua("0.0490"), of_lua("1e-05"), of_lua("100")] == ["0.049", "0.00001", "100"]
    assert [of_lua(each) for each in ("", "n/a")] == ["", "n/a"]


def test_what_a_message_cost_and_what_is_spent_is_read_in_one_form_everywhere(redis_url, redis_client):
    redis_client.hset(KEYS.prices, "sms_premium:33", "0.0490")
    settings = ProducerSettings(budget_day="0.098000")
    options = {"sender": "Bistro", "purpose": "alert"}
    with Producer(redis_url, settings=settings) as sms:
        sms.send("+33612345678", "Hello", request_id="v", **options)
        worker = HandWorker(redis_client, budgets=budgets(budget_day="0.098000"))
        [claim] = worker.take()
        # So the gateway may write it.
        worker.finish(claim, Accepted("sms_1", cost="0.0490"))

        [(_, entry)] = redis_client.xrange(KEYS.stream("statuses"))
        assert entry[b"cost"] == b"0.049"
        [(_, alarm)] = redis_client.xrange(KEYS.stream("alarms"))
        assert (alarm[b"value"], alarm[b"limit"]) == (b"0.049", b"0.098")
        assert str(sms.status("v").cost) == "0.049"
    with Feed("statuses", group="shop", redis_url=redis_url) as feed:
        event = next(iter(feed))
    assert str(event.cost) == "0.049"
    assert json.loads(body_of(event))["data"]["cost"] == "0.049"
    told = CliRunner().invoke(main, ["explain", "v", "--json"], env={"REDIS_URL": redis_url}).stdout
    [ended] = [each["details"] for each in json.loads(told)["timeline"] if each["what"] == "ended"]
    assert ended["cost"] == "0.049"
    with ApiClient(api_settings(redis_url)) as api:
        assert api.get("/v1/messages/v").json()["cost"] == "0.049"
        [told] = api.get("/v1/events/log?stream=statuses&after=0").json()["entries"]
    assert told["event"]["cost"] == "0.049"


def test_a_share_of_a_shared_call_has_the_same_form(sms, redis_client):
    ids = send_codes(sms, range(2))
    worker = HandWorker(redis_client)
    claim = only(worker.take())
    assert is_call(claim.entry.id)
    worker.finish(claim, Accepted("sms_1", cost="0.10", contacts=2))

    assert [fields[b"cost"] for _, fields in redis_client.xrange(KEYS.stream("statuses"))] == [b"0.05"] * 2
    assert [str(sms.status(each).cost) for each in ids] == ["0.05"] * 2
