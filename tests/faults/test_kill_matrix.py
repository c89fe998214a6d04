"""SIGKILL at every step of a send and of a callback: nothing lost, nothing twice.

Each case has an installation of its own on one Redis (a namespace of its own) and one gateway (a number of
its own): a worker that dies at one exact point, then a healthy one. The handset's count is the judge.
"""

from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest
import redis

from producers import Producer
from producers.contract.keys import Keys
from producers.settings import ProducerSettings
from tests.support.doomed import CALLBACK_POINTS, REPEAT_POINTS, RETRY_POINTS, SEND_POINTS
from tests.support.installation import API_KEY, API_LOGIN, ENDS, bare_environment, new_id, new_number
from tests.support.simulator import SimulatorThread
from tests.support.waiting import until
from tests.support.worker_process import WorkerProcess
from worker.sandbox.redis_server import RedisServer
from worker.sandbox.simulator.settings import SimulatorSettings

#: Cases that run at the same time: most of their time they wait for a lease to run out.
AT_ONCE = 6
#: Seconds for a worker to start, die, be missed, and for its work to be done by another.
CASE_S = 90.0

CODES = (120, 182)


class Place:
    """What all cases share: a server, and a gateway for each duplicate code."""

    def __init__(self, server: RedisServer, data_dir: Path) -> None:
        self.server = server
        self.data_dir = data_dir
        self.gateways = {code: SimulatorThread(SimulatorSettings(duplicate_code=code)) for code in CODES}

    def worker(self, name: str, namespace: str, code: int, die_at: str | None) -> WorkerProcess:
        """Make a worker process of one case."""
        environ = {
            **bare_environment(),
            "REDIS_URL": self.server.url,
            "SMS_NAMESPACE": namespace,
            "OCTOPUSH_API_LOGIN": API_LOGIN,
            "OCTOPUSH_API_KEY": API_KEY,
            "OCTOPUSH_BASE_URL": self.gateways[code].base_url,
            "OCTOPUSH_READ_TIMEOUT_S": "2",
        }
        if die_at is None:
            return WorkerProcess(self.data_dir / f"{name}.log", environ, threads=4)
        environ["DIE_AT"] = die_at
        return WorkerProcess(
            self.data_dir / f"{name}.doomed.log", environ, threads=4, setup="tests.support.doomed:setup"
        )


class Case:
    """One message through a worker that dies and one that lives."""

    def __init__(self, place: Place, kind: str, point: str, code: int) -> None:
        self.place, self.point, self.code = place, point, code
        self.name = f"{kind}-{code}-{point}".translate(str.maketrans(":@._", "----"))
        self.namespace = "k" + self.name
        self.keys = Keys(self.namespace)
        self.number, self.request_id = new_number(), new_id("kill")
        self.client = redis.Redis(port=place.server.port)

    def doom(self, work: ExitStack) -> None:
        """Let the doomed worker run to its end."""
        doomed = self.place.worker(self.name, self.namespace, self.code, self.point)
        work.callback(doomed.kill)
        doomed.start()
        until(lambda: not doomed.is_running, CASE_S)
        # Dramatiq's parent reports the death of its worker as the negative signal.
        assert doomed.wait() != 0, "the worker ended without passing its point"

    def rescue(self, work: ExitStack) -> None:
        """Start a healthy worker."""
        worker = self.place.worker(self.name, self.namespace, self.code, None)
        work.callback(worker.kill)
        worker.start()

    def send(self) -> str:
        """Send one SMS; return the state it ended in."""
        settings = ProducerSettings(redis_url=self.place.server.url, namespace=self.namespace)
        sms = Producer(settings=settings)
        with ExitStack() as work:
            work.callback(sms.close)
            sms.send(self.number, "Hello", sender="Bistro", purpose="alert", request_id=self.request_id)
            self.doom(work)
            self.rescue(work)
            until(lambda: sms.status(self.request_id).state in ENDS, CASE_S)
            until(lambda: self.is_idle("alert"), CASE_S)
            return sms.status(self.request_id).state

    def callback(self) -> int:
        """Process one stored callback; return how many entries it became."""
        raw = b'{"number":"%b","text":"Yes","reception_date":"2030-01-31 14:05:09","message_id":"sms_1"}'
        self.client.hset(
            self.keys.callback("c"), mapping={"kind": "", "raw": raw % self.number.encode(), "received": 1}
        )
        self.client.rpush(self.keys.queue("callbacks").ready, "c")
        with ExitStack() as work:
            self.doom(work)
            self.rescue(work)
            until(lambda: self.is_idle("callbacks"), CASE_S)
        assert not self.client.exists(self.keys.callback("c"))
        return self.client.xlen(self.keys.stream("replies"))

    def is_idle(self, queue: str) -> bool:
        """Whether no entry is left anywhere in a queue."""
        keys = self.keys.queue(queue)
        left = self.client.llen(keys.ready) + self.client.zcard(keys.delayed) + self.client.zcard(keys.leases)
        return left == 0


@pytest.fixture(scope="module")
def place(tmp_path_factory) -> Place:
    """One server and two gateways for the whole matrix."""
    with RedisServer(tmp_path_factory.mktemp("matrix-redis"), fsync="always") as server:
        made = Place(server, tmp_path_factory.mktemp("matrix"))
        yield made
        for gateway in made.gateways.values():
            gateway.stop()


@pytest.fixture(scope="module")
def results(place, request) -> dict[tuple[str, str, int], Future]:
    """Run the cases that were selected, some at a time."""
    wanted = {item.callspec.params["case"] for item in request.session.items if "case" in _params(item)}
    pool = ThreadPoolExecutor(AT_ONCE)
    futures = {}
    for kind, point, code in sorted(wanted & {*CASES, *CALLBACKS}):
        case = Case(place, kind, point, code)
        if kind in ("retry", "repeat"):
            times = 3 if kind == "retry" else 1
            place.gateways[code].admin.fault("503_before", times=times, match={"number": case.number})
        futures[kind, point, code] = pool.submit(case.callback if kind == "callback" else case.send), case
    yield futures
    pool.shutdown(cancel_futures=True)


def _params(item: pytest.Item) -> dict[str, object]:
    return item.callspec.params if hasattr(item, "callspec") else {}


CASES = [
    *(("send", point, code) for point in SEND_POINTS for code in CODES),
    *(("retry", point, code) for point in RETRY_POINTS for code in CODES),
    *(("repeat", point, code) for point in REPEAT_POINTS for code in CODES),
]
CALLBACKS = [("callback", point, 120) for point in CALLBACK_POINTS]


@pytest.mark.timeout(600)
@pytest.mark.parametrize("case", CASES, ids=lambda case: "-".join(map(str, case)))
def test_a_worker_killed_anywhere_loses_nothing_and_sends_nothing_twice(case, results, place):
    future, made = results[case]
    state = future.result()
    shown = sum(
        times
        for (_, number), times in place.gateways[case[2]].admin.delivered().items()
        if number == made.number
    )
    assert (state, shown) == ("accepted", 1)


@pytest.mark.timeout(600)
@pytest.mark.parametrize("case", CALLBACKS, ids=lambda case: case[1])
def test_a_worker_killed_anywhere_publishes_a_callback_once(case, results):
    future, _ = results[case]
    assert future.result() == 1
