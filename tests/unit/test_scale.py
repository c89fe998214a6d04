"""The simulation of `make scale` agrees with arithmetic where there is some, and with what was measured."""

import dataclasses
import re

import pytest

from tests.house.repository import rows, text
from tests.scale import figures
from tests.scale.__main__ import CASES, main
from tests.scale.figures import ALONE, CAMPAIGN, SHARED, Figures
from tests.scale.model import CALLS_MAX, Plan, simulate

#: Nothing of ours takes any time.
FREE = Figures(0, 0, 1, 1, 0, 0, 0, 0)
QUIET = {"receipts": 0.0}


def test_one_call_takes_redis_the_worker_and_the_gateway_once():
    slow = dataclasses.replace(FREE, send_us=4_000, worker_us=6_000)
    assert simulate(Plan(1, gateway_ms=100, **QUIET), slow).duration_s == pytest.approx(0.110)


@pytest.mark.parametrize(("calls", "share"), [(1, 1), (4, 500), (64, 1)])
def test_calls_at_a_time_and_the_latency_bound_the_rate(calls, share):
    found = simulate(Plan(64 * share * 50, share, calls=calls, gateway_ms=200, **QUIET), FREE)
    assert found.rate_per_s == pytest.approx(calls * share / 0.2, rel=0.01)
    assert found.bottleneck == "gateway latency"


def test_the_account_s_calls_in_flight_bound_all_workers_together():
    found = simulate(Plan(4_000, workers=8, calls=64, in_flight=10, gateway_ms=100, **QUIET), FREE)
    assert found.rate_per_s == pytest.approx(100, rel=0.01)


def test_the_account_s_rate_bounds_all_namespaces_together():
    found = simulate(Plan(100_000, 500, rate_per_s=5_000, namespaces=4, workers=4, **QUIET), FREE)
    assert found.rate_per_s == pytest.approx(5_000, rel=0.05)
    assert found.bottleneck == "gateway rate"


@pytest.mark.parametrize("namespaces", [1, 4])
def test_redis_bounds_the_rate_by_its_cpu_and_several_by_theirs(namespaces):
    dear = dataclasses.replace(FREE, send_us=1_000)
    found = simulate(Plan(20_000, namespaces=namespaces, workers=4, calls=1_000, gateway_ms=1, **QUIET), dear)
    assert found.rate_per_s == pytest.approx(1_000 * namespaces, rel=0.02)
    assert found.bottleneck == "redis"


def test_workers_bound_the_rate_by_their_cpu():
    dear = dataclasses.replace(FREE, worker_us=1_000)
    found = simulate(Plan(20_000, workers=4, calls=1_000, gateway_ms=1, **QUIET), dear)
    assert found.rate_per_s == pytest.approx(4_000, rel=0.02)
    assert found.bottleneck == "workers"


def test_receipts_take_redis_as_well():
    found = simulate(Plan(20_000, calls=1_000, gateway_ms=1), FREE)
    assert found.rate_per_s == pytest.approx(1e6 / figures.RECEIPT_US, rel=0.02)
    assert found.callbacks_per_s == pytest.approx(found.rate_per_s)


def test_more_commands_per_recipient_take_as_much_more_of_redis():
    dear = dataclasses.replace(FREE, send_us=1_000)
    plans = (Plan(2_000, calls=1_000, gateway_ms=1, redis_commands=count, **QUIET) for count in (0, 2, 4))
    as_measured, two, four = (simulate(plan, dear).duration_s for plan in plans)
    assert two == as_measured
    assert four == pytest.approx(2 * two, rel=0.01)


def test_below_what_it_can_carry_nothing_waits_and_above_the_queue_grows():
    dear = dataclasses.replace(FREE, send_us=1_000)
    below, above = (
        simulate(Plan(10_000, arrivals_per_s=rate, calls=1_000, gateway_ms=1, **QUIET), dear)
        for rate in (500, 2_000)
    )
    assert (below.bottleneck, below.waiting_max) == ("arrivals", 0)
    assert below.delay_ms == pytest.approx(0.5)
    assert above.bottleneck == "redis"
    assert above.duration_s == pytest.approx(10, rel=0.01)
    assert above.delay_ms == pytest.approx(5_000, rel=0.11)


def test_what_is_not_simulated_call_by_call_goes_on_as_what_was():
    plans = (Plan(n, calls=4, gateway_ms=10, **QUIET) for n in (CALLS_MAX, 5 * CALLS_MAX))
    few, many = (simulate(plan, FREE) for plan in plans)
    assert many.duration_s == pytest.approx(5 * few.duration_s, rel=0.001)


def test_memory_is_what_waits_and_what_is_kept():
    plan = Plan(1_000_000, 500, **QUIET)
    found = simulate(plan, CAMPAIGN)
    assert found.queue_bytes == 1_000_000 * CAMPAIGN.waiting_bytes
    assert found.kept_bytes == (1_000_000 * CAMPAIGN.kept_bytes + figures.STREAM_MAXLEN * figures.ENTRY_BYTES)


#: What docs/performance.md says was measured on two cores: the worker alone, and four shared calls.
MEASURED = [
    (Plan(8_000, gateway_ms=100, **QUIET), ALONE, 623),
    (Plan(100_000, 500, calls=4, **QUIET), SHARED, 12_638),
]


@pytest.mark.parametrize(("plan", "costs", "rate"), MEASURED)
def test_what_was_measured_is_within_the_bound_that_the_page_states(plan, costs, rate):
    assert f"{rate:,}" in text("docs/performance.md")
    bound = float(re.search(r"within a factor of ([\d.]+)", text("docs/scaling.md"))[1])
    ratio = simulate(plan, costs).rate_per_s / rate
    assert 1 / bound <= ratio <= bound


def test_the_page_has_the_figures_of_the_table():
    table = rows("docs/scaling.md", "The figures")
    told = {cells[0]: [cell.replace(",", "") for cell in cells[1:]] for cells in table}
    for field in dataclasses.fields(Figures):
        [cells] = [cells for name, cells in told.items() if f"`{field.name}`" in name]
        measured = [getattr(each, field.name) for each in (ALONE, SHARED, CAMPAIGN)]
        assert [float(cell) for cell in cells[:3]] == measured


def test_the_page_shows_what_the_command_prints(capsys):
    assert main([]) == 0
    printed = capsys.readouterr().out
    assert all(name in printed for name in CASES)
    assert printed in text("docs/scaling.md")


def test_a_case_of_one_s_own_is_printed(capsys):
    assert main(["--messages", "1000", "--arrivals", "100", "--share", "10"]) == 0
    assert "asked for" in capsys.readouterr().out
    with pytest.raises(SystemExit):
        main(["--workers", "3"])
