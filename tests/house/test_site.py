"""The site: it builds without a warning, has every page and every public name, and asks nothing of others."""

import ast
import re
import runpy
import shutil
import subprocess
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any, Final

import pytest
from playwright.sync_api import sync_playwright
from sphinx.util.inventory import InventoryFile

import producers
from tests.browser.tab import ARGUMENTS, overflow, violations
from tests.house.repository import ROOT, files, name, none_of, pages

#: The first test of a run waits for the site to be built.
pytestmark = pytest.mark.timeout(300)

#: Modules that applications import from.
PUBLIC: Final = (
    "producers",
    *(f"producers.{each}" for each in (*producers._MODULES, "web")),
    *(f"producers.testing.{each}" for each in ("outbox", "sandbox")),
    "producers.django",
    "producers.outbox.sqlalchemy",
    "octopush_pytest",
)
#: What a browser loads by itself.
LOADED: Final = re.compile(
    r"""<link\b[^>]*?\bhref="([^"]*)"|<(?!a\b)[^>]*?\b(?:src|srcset|data|poster)="([^"]*)\""""
)


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Path:
    """Build the site as `make docs` does."""
    built = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-q", "-c", "docs", ".", str(built)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    return built


@pytest.fixture(scope="module")
def reference(site) -> set[str]:
    """Read which names the site describes."""
    inventory = InventoryFile.loads((site / "objects.inv").read_bytes(), uri="")
    return {name for kind, names in inventory.data.items() if kind.startswith("py:") for name in names}


def public_names(module: ModuleType) -> Iterator[str]:
    """Yield the names that a module offers: what it lists, or else what it makes itself."""
    if listed := getattr(module, "__all__", None):
        # What a fixture takes from the sandbox is for no application.
        yield from (each for each in listed if not _is_workers(getattr(module, each)))
        return
    for node in ast.parse(Path(str(module.__file__)).read_text("utf-8")).body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            made = [node.name]
        elif isinstance(node, ast.AnnAssign):
            made = [ast.unparse(node.target)]
        else:
            made = [ast.unparse(each) for each in getattr(node, "targets", ())]
        yield from (each for each in made if not each.startswith("_") and len(each) > 1)


def _is_workers(value: object) -> bool:
    return str(getattr(value, "__module__", "")).startswith("worker.")


def test_every_page_has_its_place_in_the_navigation():
    navigation = runpy.run_path(str(ROOT / "docs" / "conf.py"))["navigation"]
    listed = [page for kind in navigation.values() for page in kind]
    reference = [path for path in files() if path.suffix == ".rst"]
    written = {name(page.with_suffix("")) for page in (*pages(), *reference)} - {"README"}

    assert len(set(listed)) == len(listed)
    none_of(f"{page}: add it to navigation in docs/conf.py" for page in written - set(listed))
    none_of(f"{page}: there is no such page" for page in set(listed) - written)


def test_every_page_is_on_the_site_and_the_readme_is_the_first(site):
    assert (site / "index.html").read_text("utf-8") == (site / "README.html").read_text("utf-8")
    none_of(name(page) for page in pages() if not (site / name(page)).with_suffix(".html").is_file())


@pytest.mark.parametrize("module", PUBLIC)
def test_every_public_name_is_in_the_reference(module, reference):
    none_of(
        f"{module}.{each} is on no page of docs/api"
        for each in public_names(import_module(module))
        if not {f"{module}.{each}", f"producers.{each}"} & reference
    )


@pytest.fixture(scope="module")
def phone(site) -> Iterator[Any]:
    """Open a narrow window; where there is no Chromium, the tests are left out, in one line."""
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("nobody looks at the site: no chromium on the PATH")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=list(ARGUMENTS))
        yield browser.new_page(viewport={"width": 360, "height": 800}, reduced_motion="reduce")
        browser.close()


def test_no_page_scrolls_sideways_on_a_phone(site, phone):
    wide = {}
    for page in sorted(site.rglob("*.html")):
        phone.goto(page.as_uri())
        if by := overflow(phone):
            wide[page.relative_to(site).as_posix()] = by
    assert wide == {}


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("page", ["docs/tutorial", "docs/upgrades", "docs/api/errors"])
def test_a_page_can_be_used_by_everybody(site, phone, page, scheme):
    phone.emulate_media(color_scheme=scheme)
    phone.goto((site / f"{page}.html").as_uri())

    assert violations(phone) == []


def test_the_site_loads_nothing_from_elsewhere(site):
    html = [page.read_text("utf-8") for page in site.rglob("*.html")]
    found = ["".join(groups) for page in html for groups in LOADED.findall(page)]
    assert len(found) > 100
    assert [each for each in found if "//" in each] == []
    styles = "".join(path.read_text("utf-8") for path in site.rglob("*.css"))
    assert "url(http" not in styles
    assert "@import" not in styles
