"""Marketing reaches nobody outside hours, also if workers are killed meanwhile; by a clock that is set."""

from datetime import datetime

from tests.support.installation import new_number
from tests.support.set_clock import PARIS, SetClock, clock, leaping_server

__all__ = ["clock", "leaping_server"]

TEXT = "Sale STOP au 30101"
#: 29 March 2027 is Easter Monday.
EASTER_MONDAY, TUESDAY = "2027-03-29T10:00", "2027-03-30T08:00"


def test_marketing_waits_over_a_holiday_and_a_killed_worker_and_alerts_do_not(clock: SetClock, install):
    clock.set(EASTER_MONDAY)
    there = install(clock.url, MARKETING_HOURS_FR="strict", MARKETING_HOURS_OTHER="08:00-20:00")
    number = new_number()
    sale = there.send(TEXT, to=number, purpose="wholesale")
    there.wait_for(lambda: there.status(sale).held)

    assert there.status(sale).held_until == datetime.fromisoformat(TUESDAY).replace(tzinfo=PARIS)
    assert there.settled(there.send(to=number)).state == "accepted"
    there.worker.kill()
    there.worker.start()
    late = there.send(TEXT, to=number, purpose="wholesale")
    there.wait_for(lambda: there.status(late).held)
    assert there.handset(sale) == there.handset(late) == []

    # What was held comes back within a minute of the opening.
    clock.set("2027-03-30T08:01")
    assert there.all_settled([sale, late]) == {"accepted"}
    assert len(there.handset(sale)) == len(there.handset(late)) == 1
