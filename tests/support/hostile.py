"""A directory of an application that has modules of the same names as ours, and as what we use."""

from pathlib import Path

_NAMES = (
    "worker",
    "redis",
    "dramatiq",
    "uvicorn",
    "starlette",
    "click",
    "httpx",
    "msgspec",
    "logging",
    "ctypes",
)


def make_hostile(directory: Path) -> None:
    """Put modules there that end whatever process imports them."""
    for name in _NAMES:
        (directory / f"{name}.py").write_text(f"raise SystemExit('the {name} of an application')")
    (directory / "producers").mkdir()
    (directory / "producers" / "__init__.py").write_text(
        "raise SystemExit('the producers of an application')"
    )
