"""The script that docs/forwarding.md gives to mail servers loses no mail, whatever is wrong beside it."""

import re
import subprocess
from pathlib import Path

import pytest

from worker.mail.settings import MailInSettings

PAGE = Path(__file__).parents[2].joinpath("docs/forwarding.md").read_text("utf-8")
#: Ends as its argument says, and tells what it was given.
COMMAND = '#!/bin/sh\necho "$MAIL_SECRET" "$@"; echo logged >&2; exit $ENDS\n'


@pytest.fixture
def run(tmp_path):
    """Install the script, and run it without an environment as Postfix does."""
    [script] = re.findall(r"```sh\n(#!/bin/sh\n.+?)```", PAGE, re.DOTALL)
    for path in (
        "/etc/octopush/mail-in.env",
        "/usr/local/bin/octopush-worker",
        "/var/log/octopush/mail-in.log",
    ):
        assert path in script
        script = script.replace(path, str(tmp_path / Path(path).name))
    (tmp_path / "octopush-worker").write_text(COMMAND)
    (tmp_path / "octopush-worker").chmod(0o755)

    def start(status: int = 0) -> subprocess.CompletedProcess[str]:
        if not (tmp_path / "no-settings").exists():
            (tmp_path / "mail-in.env").write_text(f"MAIL_SECRET='a secret'\nENDS={status}\n")
        arguments = ["/bin/sh", "-c", script, "sms-mail-in", "--recipient", "sms+x@sms.example.com"]
        return subprocess.run(arguments, env={}, capture_output=True, text=True, check=False)

    return start


def test_the_settings_that_the_page_gives_are_all_that_mail_in_needs():
    [listed] = re.findall(r"```sh\n(REDIS_URL=.+?)```", PAGE, re.DOTALL)
    settings = MailInSettings.from_env(dict(line.split("=", 1) for line in listed.splitlines()))

    assert settings.sms_sender == "Bistro"


@pytest.mark.parametrize(
    ("ends", "seen"),
    [(0, 0), (65, 65), (77, 77), (75, 75), (1, 75), (2, 75), (126, 75), (127, 75), (139, 75)],
)
def test_only_what_mail_in_refuses_is_sent_back(run, ends, seen):
    assert run(ends).returncode == seen


def test_mail_in_has_its_settings_and_the_senders_answer_has_no_log(run, tmp_path):
    done = run()

    assert (done.stdout, done.stderr) == ("a secret mail-in --recipient sms+x@sms.example.com\n", "")
    assert (tmp_path / "mail-in.log").read_text() == "logged\n"


def test_without_command_settings_or_log_the_mail_is_tried_again(run, tmp_path):
    (tmp_path / "mail-in.log").mkdir()
    assert run().returncode == 75
    (tmp_path / "mail-in.log").rmdir()

    (tmp_path / "octopush-worker").rename(tmp_path / "elsewhere")
    assert run().returncode == 75
    (tmp_path / "elsewhere").rename(tmp_path / "octopush-worker")

    (tmp_path / "mail-in.env").unlink()
    (tmp_path / "no-settings").touch()
    assert run().returncode == 75
