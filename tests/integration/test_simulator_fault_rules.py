"""Which calls a fault hits."""

import pytest


def test_rules_match_on_what_the_call_carries(send_sms, simulator):
    refuse = {"answer": "refusal", "processing": "none"}
    simulator.admin.fault(**refuse, code=1, match={"number": "+33600000001"})
    simulator.admin.fault(**refuse, code=2, match={"number_prefix": "+3361"})
    simulator.admin.fault(**refuse, code=3, match={"text_contains": "#fail"})
    simulator.admin.fault(**refuse, code=4, match={"request_id": "r"})

    def code(*numbers, **fields):
        return send_sms(*numbers, **fields).json().get("code")

    assert code("+33700000000", "+33600000001") == 1
    assert code("+33612345678") == 2
    assert code("+33700000000", text="now #fail please") == 3
    assert code("+33700000000", request_id="r") == 4
    assert code("+33700000000", request_id="s") is None
    assert [rule["used"] for rule in simulator.admin.faults()] == [1, 1, 1, 1]


def test_rules_for_every_nth_call_and_a_number_of_times(send_sms, simulator):
    simulator.admin.fault("503_before", match={"every_nth": 3}, times=2)

    assert [send_sms().status_code for _ in range(10)] == [201, 201, 503, 201, 201, 503, 201, 201, 201, 201]


def test_probability_follows_the_seed(send_sms, simulator):
    def series():
        simulator.admin.fault("503_before", match={"probability": 0.5})
        return [send_sms().status_code for _ in range(30)]

    first = series()
    simulator.admin.reset()

    assert series() == first
    assert 5 < first.count(503) < 25


def test_the_default_fault_hits_sends_that_no_rule_matches(send_sms, gateway_http, simulator):
    simulator.admin.default_fault("503_before")
    simulator.admin.fault(match={"request_id": "spared"})

    assert send_sms().status_code == 503
    assert send_sms(request_id="spared").status_code == 201
    assert gateway_http.get("/wallet/check-balance").status_code == 200
    simulator.admin.clear_faults()
    assert send_sms().status_code == 201


def test_other_endpoints_fail_too_when_named(gateway_http, simulator):
    simulator.admin.fault("503_before", match={"endpoint": "balance"})

    assert gateway_http.get("/wallet/check-balance").status_code == 503


@pytest.mark.parametrize(
    "rule",
    [
        {"fault": {"preset": "no such"}},
        {"fault": {"answer": "shrug"}},
        {"fault": {}, "match": {"colour": "red"}},
        {"fault": {}, "sometimes": 1},
    ],
)
def test_a_wrong_rule_is_refused(simulator, rule):
    with pytest.raises(ValueError, match="/faults"):
        simulator.admin.call("POST", "/faults", rule)
    assert simulator.admin.faults() == []


def test_every_preset_can_be_added_by_name(simulator):
    presets = simulator.admin.call("GET", "/faults/presets")
    for preset in presets:
        simulator.admin.fault(preset)

    assert [rule["rule"]["fault"] for rule in simulator.admin.faults()] == list(presets.values())
