"""The pages, one module each: path, query and what becomes of an action; its templates lie in ``templates``.

A page joins the console with a line here. `worker.console` tells how to write one.
"""

from collections.abc import Mapping
from typing import Final

from worker.console.page import Page, Reveal
from worker.console.pages import (
    audit,
    campaigns,
    conversations,
    exports,
    failures,
    feeds,
    forward,
    money,
    optout_person,
    optouts,
    overview,
    quarantine,
    replies,
    sends,
)

#: Every page, in no order.
PAGES: Final[tuple[Page, ...]] = (
    *overview.PAGES,
    *replies.PAGES,
    *exports.PAGES,
    *conversations.PAGES,
    *sends.PAGES,
    *failures.PAGES,
    *campaigns.PAGES,
    *optouts.PAGES,
    *optout_person.PAGES,
    *money.PAGES,
    *feeds.PAGES,
    *forward.PAGES,
    *quarantine.PAGES,
    *audit.PAGES,
)
#: Who finds the number behind a reference such as ``reply:<stream id>``, by its first word.
REVEALS: Final[Mapping[str, Reveal]] = {
    "reply": replies.number_of,
    "talk": conversations.number_of,
    "send": sends.find_number,
    "optout": optout_person.find_number,
    "poison": feeds.find_number,
    "quarantine": quarantine.find_number,
}
