"""Two releases at work side by side; `make upgrades` has many more such cases."""

from tests.upgrades.conftest import last, street  # noqa: F401 - fixtures
from tests.upgrades.releases import PRESENT, hasty_release, next_release


def test_the_last_release_and_this_one_serve_one_queue_together(street, last):  # noqa: F811
    street.web(last)
    workers = [street.worker(last), street.worker(PRESENT)]
    street.wait_for_workers(2)
    street.send(last, 24)
    street.send(PRESENT, 24)

    street.verdict()

    assert all("sms.accepted" in worker.output for worker in workers)


def test_the_releases_to_come_can_be_made_of_this_one(tmp_path):
    """They are changed copies of the present code: `make upgrades` runs them, and needs what it changes."""
    next_release(tmp_path / "next")
    hasty_release(tmp_path / "hasty")
