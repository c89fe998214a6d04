"""The last release and the present one on one Redis: nothing lost, nothing twice, in any order of change."""

import pytest

from tests.upgrades.releases import PRESENT
from tests.upgrades.street import Street, replace

pytestmark = pytest.mark.timeout(300)


@pytest.mark.parametrize("worker", ["last", "present"])
@pytest.mark.parametrize("producer", ["last", "present"])
def test_an_application_of_one_release_is_served_by_workers_of_the_other(producer, worker, street, last):
    chosen = {"last": last, "present": PRESENT}
    street.web(chosen[producer])
    street.worker(chosen[worker])

    street.send(chosen[producer], 60)

    street.verdict()


def test_workers_and_web_of_two_releases_share_the_work(street: Street, last):
    street.web(last)
    old, new = street.worker(last), street.worker(PRESENT)
    street.wait_for_workers(2)
    street.send(last, 150)
    street.send(PRESENT, 150)
    street.place.wait_for(lambda: sum(street.shown().values()) > 150)
    street.web(PRESENT)

    street.verdict()

    took_part = ["sms.accepted" in worker.output for worker in (old, new)]
    assert took_part == [True, True]


def test_a_rolling_restart_under_load_and_the_way_back_lose_nothing(street: Street, last):
    street.web(last)
    workers = [street.worker(last), street.worker(last)]
    street.send(last, 900, 30.0)
    street.send(PRESENT, 900, 30.0)
    done = 0
    for release in (PRESENT, last, PRESENT):
        for place in range(len(workers)):
            done = sum(street.shown().values())
            street.place.wait_for(lambda done=done: sum(street.shown().values()) > done + 20)
            workers[place] = replace(street, workers[place], release)
        street.web(release)
    assert street.is_sending, "the load ended before the restart"

    street.verdict()
