"""An application that sends steadily while something else goes wrong, and what must hold for its messages."""

import threading
from collections import Counter

from producers import QueueUnavailable
from tests.support.installation import new_id, new_number


def assert_each_came_once(installation, sends):
    """All were accepted, each is on its handset exactly once."""
    ids = [sent.request_id for sent in sends]
    assert installation.all_settled(sends, 60) == {"accepted"}
    shown = Counter(request_id for request_id, _ in installation.gateway.delivered())
    assert Counter(shown[request_id] for request_id in ids) == {1: len(ids)}
    assert set(installation.gateway.delivered().values()) == {1}
    assert Counter(entry.request_id for entry in installation.entries("statuses")) == Counter(ids)


def assert_nothing_is_left(installation):
    """No queue, lease or attempt remembers anything, once the last of them has been settled."""
    installation.wait_for(lambda: not what_is_left(installation))


def what_is_left(installation):
    keys = {key.decode() for key in installation.redis.scan_iter(f"{installation.keys.prefix}*")}
    queues = {key for key in keys if ":queue:" in key and not key.endswith((":wake", ":heard"))}
    return queues | keys & {installation.keys.attempt_leases, installation.keys.attempt_starts}


class Flow:
    """An application that sends steadily and repeats with the same id what the queue did not confirm.

    Attributes:
        sends: what was confirmed.
        numbers: to whom each of these goes.
        failures: calls that ended in QueueUnavailable.
        strange: errors of any other kind.
    """

    def __init__(self, installation):
        self._installation = installation
        self._stopping = threading.Event()
        self._failed = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self.sends = []
        self.numbers = []
        self.strange = []

    @property
    def count(self):
        return len(self.sends)

    def wait_for_a_failure_or(self, seconds):
        """Give the outage time to be noticed."""
        self._failed.wait(seconds)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._stopping.set()
        self._thread.join()

    def _run(self):
        while not self._stopping.wait(0.003):
            number, request_id = new_number(), new_id()
            while not self._send(number, request_id) and not self.strange:
                pass

    def _send(self, number, request_id):
        try:
            self.sends.append(self._installation.send(to=number, request_id=request_id))
            self.numbers.append(number)
        except QueueUnavailable as error:
            self._failed.set()
            if error.request_id != request_id:
                self.strange.append(error)
            return False
        except Exception as error:  # noqa: BLE001 - whatever else a call may raise is the finding
            self.strange.append(error)
        return True
