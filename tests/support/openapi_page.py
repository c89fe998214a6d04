"""docs/openapi.json, as the table of operations makes it; run as a module, it writes the file."""

import json
from pathlib import Path
from typing import Final

from worker.api.app import ALL
from worker.api.openapi import document

PAGE: Final = Path(__file__).parents[2] / "docs" / "openapi.json"


def written() -> str:
    """Write the document so that changes of it can be read."""
    return json.dumps(document(ALL), indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    PAGE.write_text(written(), "utf-8")
