"""Each package that production installs has a licence that may be given on with this software."""

import json
import re
from typing import Final

from tests.house.repository import none_of, text
from tests.support.sbom import bill, components

#: Licences that ask for no more than that they stand beside, or that changes of the package itself stay free.
ALLOWED: Final = {
    *("Apache-2.0", "BSD-2-Clause", "BSD-3-Clause"),
    *("LGPL-3.0-or-later", "MIT", "MPL-2.0", "PSF-2.0"),
}
FOUND: Final = list(components())


def test_each_licence_is_one_of_those_that_are_allowed():
    none_of(
        f"{each.name}: {each.licence}"
        for each in FOUND
        if not set(re.split(r" (?:AND|OR) ", each.licence)) <= ALLOWED
    )


def test_the_list_has_every_package_that_is_installed_on_this_machine():
    lock = text("requirements.lock")
    pinned = set(re.findall(r"^([\w.-]+)==", lock, re.MULTILINE))
    elsewhere = set(re.findall(r"^([\w.-]+)==\S+ ;", lock, re.MULTILINE))

    assert pinned - {each.name for each in FOUND} <= elsewhere


def test_the_bill_is_one_of_cyclonedx_and_names_no_address():
    written = bill(FOUND)

    assert (written["bomFormat"], written["specVersion"]) == ("CycloneDX", "1.6")
    assert {"redis", "dramatiq", "httpx"} <= {each["name"] for each in written["components"]}
    assert "://" not in json.dumps(written)
