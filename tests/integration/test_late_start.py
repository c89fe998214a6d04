"""What is said when a process of the sandbox does not come up in time: a machine that is too busy."""

import pytest

from tests.support.installation import bare_environment
from worker.sandbox import installation, stack
from worker.sandbox.free_port import free_port
from worker.sandbox.installation import Installation, InstallationError
from worker.sandbox.scratch_directory import scratch_directory
from worker.sandbox.stack import Stack

LATE = r"waited 0 s in vain for {}\. On a busy machine it may merely be late: try again"


@pytest.fixture(autouse=True)
def no_time(monkeypatch):
    for module in (installation, stack):
        monkeypatch.setattr(module, "START_S", 0.0)


def test_a_simulator_that_is_late_is_named_with_its_log_which_is_kept(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    told = (
        LATE.format(r"the first line of the simulator; see \S+simulator\.log") + r"; the logs are kept in \S+"
    )
    with (
        pytest.raises(InstallationError, match=f"^{told}$"),
        scratch_directory("late-") as data_dir,
        Stack(data_dir),
    ):
        pass
    assert (data_dir / "simulator.log").exists()


@pytest.mark.parametrize(
    ("logs_to_files", "where"),
    [(True, r"see \S+/web\.log"), (False, "what web had to say stands above")],
)
def test_a_web_process_that_is_late_is_named_with_its_address_and_its_log(tmp_path, logs_to_files, where):
    environ = {
        **bare_environment(),
        "OCTOPUSH_API_LOGIN": "a@example.com",
        "OCTOPUSH_API_KEY": "key",
        "CALLBACK_TOKENS": "0123456789abcdefghijklmnopqrstuv",
        "HOST": "127.0.0.1",
        "PORT": str(free_port()),
    }
    late = Installation(tmp_path, environ, logs_to_files=logs_to_files)
    told = LATE.format(rf"an answer of web at http://127\.0\.0\.1:\d+/readyz; {where}")
    with pytest.raises(InstallationError, match=f"^{told}$"), late:
        pass


def test_nothing_is_kept_of_a_run_that_ends_well_or_by_ctrl_c():
    with scratch_directory("well-") as well:
        (well / "simulator.log").touch()
    with pytest.raises(KeyboardInterrupt), scratch_directory("stopped-") as stopped:
        raise KeyboardInterrupt
    assert not well.exists()
    assert not stopped.exists()
