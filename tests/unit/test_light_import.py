"""What an application imports stays light: no web framework, no HTTP client, nothing of the worker."""

import subprocess
import sys

HEAVY = {"starlette", "uvicorn", "httpx", "tenacity", "structlog", "dramatiq", "click", "worker", "django"}


def test_importing_producers_loads_nothing_heavy():
    code = "import sys, producers; print(*{name.split('.')[0] for name in sys.modules})"

    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env={})

    assert HEAVY & set(loaded.stdout.split()) == set()
