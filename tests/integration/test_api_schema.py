"""The running API keeps what its OpenAPI document says, whatever is sent to it."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.api_client import ALL, TOKENS
from tests.support.installation import ANY_HOUR
from tests.support.web_server import ApiServer

CONFIG = Path(__file__).parents[1] / "support" / "schemathesis.toml"


@pytest.mark.timeout(300)
def test_the_api_answers_as_its_document_says(redis_url: str, tmp_path: Path):
    settings = {**ANY_HOUR, "REDIS_URL": redis_url, "API_TOKENS": TOKENS, "API_RATE_PER_S": "0"}
    with ApiServer(tmp_path / "log", settings) as server:
        run = subprocess.run(
            [
                *(sys.executable, "-m", "schemathesis.cli", "--config-file", str(CONFIG), "run"),
                *(f"{server.url}/v1/openapi.json", "--header", f"Authorization: Bearer {ALL}"),
                *("--generation-deterministic", "--max-examples", "5", "--no-color"),
            ],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )

    assert run.returncode == 0, run.stdout
    assert '"event":"failed"' not in server.output
