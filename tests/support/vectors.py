"""Cases of the rules as data, in tests/vectors."""

import json
from pathlib import Path
from typing import Any, Final

_PLACE: Final = Path(__file__).parents[1] / "vectors"


def vectors(name: str) -> Any:
    """Read the cases of one rule."""
    return json.loads((_PLACE / f"{name}.json").read_text("utf-8"))
