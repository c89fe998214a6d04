"""The pages, one module each: path, query and what becomes of an action; its templates lie in ``templates``.

A page joins the console with a line here. `worker.console` tells how to write one.
"""

from collections.abc import Mapping
from typing import Final

from worker.console.page import Page, Reveal

#: Every page, in no order.
PAGES: Final[tuple[Page, ...]] = ()
#: Who finds the number behind a reference such as ``reply:<stream id>``, by its first word.
REVEALS: Final[Mapping[str, Reveal]] = {}
