"""What the lock of production installs, with licences, in the form of CycloneDX; ``make sbom`` writes it."""

import json
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import distributions, metadata, version
from pathlib import Path
from typing import Any, Final

_ROOT: Final = Path(__file__).parents[2]
_NAME: Final = "octopush-worker"
_PINNED: Final = re.compile(r"^([A-Za-z0-9_.-]+)==([^\s;\\]+)", re.MULTILINE)
#: How packages that know no SPDX write their licence, and what SPDX calls it.
_SPDX: Final = {
    "3-Clause BSD License": "BSD-3-Clause",
    "Apache Software License": "Apache-2.0",
    "BSD License": "BSD-3-Clause",
    "GNU Lesser General Public License v3 or later (LGPLv3+)": "LGPL-3.0-or-later",
    "MIT License": "MIT",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
    "Python Software Foundation License": "PSF-2.0",
    "Apache Software License, MIT License": "Apache-2.0 OR MIT",
}
#: What the text of a licence has that says no name: of the BSD licences, the one with three clauses.
_THREE_CLAUSES: Final = "Neither the name of"


@dataclass(frozen=True)
class Component:
    """One package.

    Attributes:
        name: its name, as registries write it.
        version: as it is pinned.
        licence: an expression of SPDX, or the package's own words where nobody knows it.
    """

    name: str
    version: str
    licence: str


def components(lock: str = "requirements.lock") -> Iterator[Component]:
    """List what a lock installs here; what it installs elsewhere only is left out."""
    for name, pinned in _PINNED.findall((_ROOT / lock).read_text("utf-8")):
        if not any(True for _ in distributions(name=name)):
            continue
        yield Component(name, pinned, _licence(name))


def _licence(name: str) -> str:
    told = metadata(name)
    if expression := told.get("License-Expression"):
        return str(expression)
    named = [each for each in told.get_all("Classifier") or () if each.startswith("License :: ")]
    words = ", ".join(each.rpartition(" :: ")[2] for each in named if not each.endswith("OSI Approved"))
    written = str(told.get("License") or "").strip()
    if not words and "Redistribution and use in source" in written and _THREE_CLAUSES in written:
        return "BSD-3-Clause"
    words = words or written.partition("\n")[0]
    return _SPDX.get(words) or words or "unknown"


def bill(found: list[Component]) -> dict[str, Any]:
    """Write the list in the form of CycloneDX 1.6."""
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {"component": {"type": "application", "name": _NAME, "version": version(_NAME)}},
        "components": [
            {
                "type": "library",
                "name": each.name,
                "version": each.version,
                "purl": f"pkg:pypi/{each.name}@{each.version}",
                "licenses": [{"expression": each.licence}],
            }
            for each in found
        ],
    }


if __name__ == "__main__":
    listed = list(components())
    Path("sbom.json").write_text(json.dumps(bill(listed), indent=2) + "\n", "utf-8")
    for component in listed:
        sys.stdout.write(f"{component.name:24} {component.version:12} {component.licence}\n")
