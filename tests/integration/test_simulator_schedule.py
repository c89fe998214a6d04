"""Campaigns that leave later: send_at, marketing hours, cancelling, the clock."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.support.waiting import until

NUMBER = "+33612345678"
MARKETING = {"purpose": "wholesale", "text": "Sale! STOP au 30101"}


def in_seconds(simulator, seconds):
    return (datetime.fromtimestamp(simulator.admin.now(), UTC) + timedelta(seconds=seconds)).isoformat()


def test_a_future_date_is_held_until_the_clock_reaches_it(send_sms, simulator):
    send_sms(send_at=in_seconds(simulator, 3600))
    assert simulator.admin.messages() == []
    assert simulator.admin.accepted()[0].state == "scheduled"

    simulator.admin.advance(3590)
    assert simulator.admin.messages() == []
    simulator.admin.advance(15)

    (message,) = simulator.admin.messages()
    assert message.sent_at == pytest.approx(simulator.admin.now(), abs=5)
    assert simulator.admin.accepted()[0].state == "left"


def test_a_near_date_comes_by_itself(send_sms, simulator):
    send_sms(send_at=in_seconds(simulator, 0.2))

    until(simulator.admin.messages)


@pytest.mark.parametrize("send_at", ["2018-10-03T07:42:39-07:00", "soon", "", 12, None])
def test_a_past_or_unreadable_date_leaves_at_once(send_sms, simulator, send_at):
    send_sms(send_at=send_at)

    assert len(simulator.admin.messages()) == 1


def test_a_date_without_offset_is_paris_time(send_sms, simulator):
    simulator.admin.set_clock("2026-07-01T08:00:00+00:00")

    send_sms(send_at="2026-07-01 10:00:30")
    assert simulator.admin.messages() == []

    simulator.admin.advance(31)
    assert len(simulator.admin.messages()) == 1


def test_scheduled_messages_leave_in_order_of_their_dates(send_sms, simulator):
    for seconds in (300, 100, 200):
        send_sms(send_at=in_seconds(simulator, seconds), request_id=str(seconds))
    simulator.admin.advance(400)

    assert [m.request_id for m in simulator.admin.messages()] == ["100", "200", "300"]


def cancel(gateway_http, ticket):
    answer = gateway_http.request("DELETE", "/sms-campaign/cancel", json={"ticket_number": ticket})
    return answer.status_code, answer.json()["code"] if answer.content else None


def test_cancel_within_the_documented_limits(send_sms, gateway_http, simulator):
    ticket = send_sms(send_at=in_seconds(simulator, 700)).json()["sms_ticket"]

    assert cancel(gateway_http, ticket) == (204, None)
    assert simulator.admin.balance() == 1000
    assert cancel(gateway_http, ticket) == (400, 131)
    simulator.admin.advance(800)
    assert simulator.admin.messages() == []


def test_what_cannot_be_cancelled(send_sms, gateway_http, simulator):
    soon = send_sms(send_at=in_seconds(simulator, 500)).json()["sms_ticket"]
    many = send_sms(NUMBER, NUMBER, NUMBER, send_at=in_seconds(simulator, 5000)).json()["sms_ticket"]
    left = send_sms().json()["sms_ticket"]

    assert cancel(gateway_http, soon) == (400, 156)
    assert cancel(gateway_http, many) == (400, 156)
    assert cancel(gateway_http, left) == (400, 132)
    assert cancel(gateway_http, "sms_unknown") == (400, 131)


def test_marketing_hours_are_off_by_default(send_sms, simulator):
    simulator.admin.set_clock("2026-06-14T23:00:00+02:00")

    assert send_sms(**MARKETING).status_code == 201
    assert len(simulator.admin.messages()) == 1


def test_marketing_hours_can_reject(send_sms, simulator):
    simulator.admin.settings(marketing_hours="reject")
    simulator.admin.set_clock("2026-06-16T20:30:00+02:00")

    assert send_sms(**MARKETING).json()["code"] == 125
    assert send_sms().status_code == 201
    assert send_sms("+32470123456", **MARKETING).status_code == 201
    simulator.admin.set_clock("2026-06-17T09:00:00+02:00")
    assert send_sms(**MARKETING).status_code == 201


def test_marketing_hours_can_hold_until_they_open(send_sms, simulator):
    simulator.admin.settings(marketing_hours="hold")
    simulator.admin.set_clock("2026-07-13T20:30:00+02:00")

    assert send_sms(**MARKETING).status_code == 201
    simulator.admin.set_clock("2026-07-14T12:00:00+02:00")
    assert simulator.admin.messages() == []
    simulator.admin.set_clock("2026-07-15T08:00:01+02:00")
    assert len(simulator.admin.messages()) == 1
