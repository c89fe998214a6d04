"""Numbers in full: one at a time, for ten minutes, with an audit entry."""

from http import HTTPStatus

from starlette.responses import Response

from producers.contract.phone import mask
from worker.console.forms import local_path
from worker.console.page import Page, Visit
from worker.console.refusals import Refusal, not_found
from worker.console.sessions import REVEAL_S


async def reveal(visit: Visit) -> Response:
    """Let this session see one number in full, and go back to the page. Safe to repeat.

    The page names the number by a reference such as ``reply:<stream id>``, never by itself.
    """
    kind, _, name = visit.form.get("of", "").partition(":")
    back = local_path(visit.form.get("back", "/"))
    find = visit.office.reveals.get(kind)
    if find is None or not name:
        raise Refusal(HTTPStatus.BAD_REQUEST, "This names no number.", back=back)
    number = await visit.ask(find(visit, name))
    if not number:
        raise not_found("This number is not kept any more.", back)
    await visit.audit("reveal", of=f"{kind}:{name}", number=mask(number))
    await visit.visitor.reveal(visit.office.redis, visit.keys, number)
    return await visit.done(back, f"{mask(number)} is shown in full for {REVEAL_S // 60} minutes.")


PAGE = Page("/reveal", reveal, method="POST", role="operator")
