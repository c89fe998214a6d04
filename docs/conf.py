"""How `make docs` makes a site of the pages: Sphinx reads them at their places, and any warning ends it.

A new page is one line in `navigation`. The pages stay plain Markdown, which a code host shows as well: what
only a site can do is done here.
"""

import dataclasses
import re
import shutil
import sys
from pathlib import Path
from typing import Any, Final

import msgspec
from docutils.nodes import Element, Node
from pygments.lexers.special import TextLexer
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.util.nodes import make_refnode

ROOT: Final = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

#: All pages, by what they are for: to learn, to get something done, to look something up, to understand.
navigation = {
    "Tutorial": ["docs/tutorial"],
    "How to": [
        "docs/applications",
        "docs/django",
        "docs/outbox",
        "docs/campaigns",
        "docs/callbacks",
        "docs/forwarding",
        "docs/testing",
        "docs/sandbox",
        "docs/operating",
        "docs/tracing",
        "docs/runbook",
        "docs/pilot",
        "deploy/README",
        "docs/accounts",
        "docs/console",
        "docs/upgrades",
    ],
    "Reference": [
        "docs/http-api",
        "docs/http-answers",
        "docs/commands",
        "docs/settings",
        "docs/streams",
        "docs/rules",
        "docs/redis",
        "docs/metrics",
    ],
    "Reference of Python": [
        "docs/api",
        "docs/api/sending",
        "docs/api/campaigns",
        "docs/api/reading",
        "docs/api/callbacks",
        "docs/api/webhooks",
        "docs/api/databases",
        "docs/api/errors",
        "docs/api/settings",
        "docs/api/testing",
    ],
    "Explanation": [
        "docs/architecture",
        "docs/guarantees",
        "docs/privacy",
        "docs/threats",
        "docs/performance",
        "docs/scaling",
        "docs/evidence",
        "docs/decisions",
    ],
    "Examples": [
        "examples/README",
        *(
            f"examples/{each}/README"
            for each in (
                *("django", "fastapi", "flask", "celery", "script"),
                *("node", "php", "symfony", "laravel"),
            )
        ),
    ],
    "The project": ["CONTRIBUTING", "SECURITY", "CHANGELOG"],
}

#: What the theme writes, and what those need who hear a page or have no mouse.
MENDED: Final = {
    '<p class="caption" role="heading">': '<p class="caption" role="heading" aria-level="2">',
    '<aside class="sidebar-drawer">': '<aside class="sidebar-drawer" aria-label="All pages">',
    # What is wider than the screen can be scrolled by keys.
    "<pre>": '<pre tabindex="0">',
    '<div class="table-wrapper': '<div tabindex="0" class="table-wrapper',
}
#: Records that an application makes itself.
MADE_BY_APPLICATIONS: Final = {"Message", "Recipient"}

project = "octopush-worker"
root_doc = "README"
include_patterns = ["*.md", "docs/**", "deploy/README.md", "examples/**"]
exclude_patterns = [".*", "site", "producers", "worker", "tests", "dist", "bench-results", "docs/snippets"]

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
# Headings are named as a code host names them, so that links lead to the same places on both.
myst_heading_anchors = 4
smartquotes_action = "D"

# A name in single backticks in a docstring is a name of the reference, or the build fails.
default_role = "py:obj"
nitpicky = True
nitpick_ignore_regex = [
    (
        "py:(class|exc)",
        r"(_pytest|collections|contextlib|datetime|decimal|pathlib|re|redis|sqlalchemy|starlette|typing)\..*",
    ),
    # Signatures name types that nobody outside makes, and words that a value can be.
    (
        "py:class",
        r"(producers\.(contract|intake|messages\.frozen|outbox\.handing_over|rules|testing\.(journey|memory))|worker)\..*",
    ),
    ("py:class", r"producers\.testing\.sandbox\.T|'[^']*'"),
]
add_module_names = False
autodoc_default_options = {"members": True}
autodoc_member_order = "bysource"
autodoc_typehints_format = "short"
python_display_short_literal_types = True

html_theme = "furo"
html_title = "octopush-worker"
html_static_path = ["static"]
html_css_files = ["site.css"]
html_copy_source = False
html_show_sphinx = False
html_theme_options = {"top_of_page_buttons": []}


def setup(app: Sphinx) -> None:
    """Let Sphinx call what follows."""
    # A diagram is shown as it is written: what draws it would be a script from elsewhere.
    app.add_lexer("mermaid", TextLexer)
    app.add_config_value("navigation", {}, "env")
    app.connect("source-read", add_navigation)
    app.connect("doctree-read", unlink)
    app.connect("autodoc-process-docstring", mark_code, priority=400)
    app.connect("autodoc-process-signature", hide_constructor)
    app.connect("missing-reference", find_public_name)
    app.connect("build-finished", finish)


def add_navigation(app: Sphinx, docname: str, source: list[str]) -> None:
    """Put all pages below the README, which stays free of what only a site reads."""
    if docname == root_doc:
        for kind, pages in app.config.navigation.items():
            source[0] += "\n".join(
                ["", "```{toctree}", ":hidden:", f":caption: {kind}", "", *pages, "```", ""]
            )


def unlink(app: Sphinx, doctree: Node) -> None:
    """Leave the text of a link to what has no page: a directory. Files can be downloaded."""
    for link in list(doctree.findall(addnodes.pending_xref)):
        if link["reftype"] == "myst" and link["refdomain"] is None:
            _, path = app.env.relfn2path(link["reftarget"], link["refdoc"])
            if Path(path).is_dir():
                link.replace_self(link.children)
        elif link["reftarget"] == "type":
            # The type of types, and no field of that name.
            link.replace_self(link.children)


def mark_code(_app: Sphinx, _what: str, _name: str, _object: Any, _options: Any, lines: list[str]) -> None:
    """Take what a docstring indents below a paragraph for code, as its readers do."""
    for at in range(len(lines) - 1, 1, -1):
        if lines[at].startswith("    ") and not lines[at - 1] and lines[at - 2][:1].strip():
            lines[at - 1 : at - 1] = ["", "::"]


def hide_constructor(
    _app: Sphinx, what: str, _name: str, item: Any, _options: Any, signature: str, returns: str
) -> tuple[str | None, str | None]:
    """Leave out how a result is made: its fields are listed, and nobody outside makes one."""
    is_record = what == "class" and (dataclasses.is_dataclass(item) or issubclass(item, msgspec.Struct))
    return ("", None) if is_record and item.__name__ not in MADE_BY_APPLICATIONS else (signature, returns)


def find_public_name(app: Sphinx, env: BuildEnvironment, node: Element, text: Element) -> Node | None:
    """Find a name where it is public, whatever module defines it: signatures name the latter."""
    if node.get("refdomain") != "py":
        return None
    objects = env.domains.python_domain.objects
    wanted = re.sub(r"^producers\.[a-z_.]*(?=[A-Z])", "", node["reftarget"])
    found = [name for name, place in objects.items() if name.endswith(f".{wanted}") and not place.aliased]
    if len(found) != 1:
        return None
    place = objects[found[0]]
    return make_refnode(app.builder, node["refdoc"], place.docname, place.node_id, text, found[0])


def finish(app: Sphinx, error: Exception | None) -> None:
    """Mend what the theme writes, and give the first page the name that servers look for."""
    if error is not None or app.builder.format != "html":
        return
    for page in Path(app.outdir).rglob("*.html"):
        text = page.read_text("utf-8")
        for written, better in MENDED.items():
            text = text.replace(written, better)
        page.write_text(text, "utf-8")
    shutil.copy(Path(app.outdir, f"{root_doc}.html"), Path(app.outdir, "index.html"))
