"""What an answer proves, row by row: taken or not, alone and shared, judged by handsets and end states.

All cases of one duplicate code are under way together, each with numbers, ids and answers of its own.
"""

from collections.abc import Iterator

import pytest

from tests.support.misleading import ACCOUNT, FORMS, NEVER, OPEN, Scenario, Step, body_of
from tests.support.misled import MEMBERS, Case, Misled

#: Name of a row to what is answered and how the message may end.
Rows = dict[str, tuple[Step, set[str]]]

ONCE = {"accepted"}
#: An answer below 500 may have used up the id of a call that it refused: a duplicate after it proves nothing.
PERHAPS = {"accepted", "unknown"}
#: Values of Retry-After that nobody can obey.
ODD_WAITS = ("Wed, 21 Oct 2015 07:28:00 +9999999999", "9" * 5000, "soon", "-1")
#: A code with more digits than Python turns into a number.
DIGITS = b'{"code": %s}' % (b"9" * 5000)
KINDS = ("alone", "shared")
DUPLICATE_CODES = (120, 182)


def said(status: int, content: bytes = b"", code: int | None = None, *, taken: bool = True, **more) -> Step:
    return Step(taken, "said", status, code, content, **more)


def taken(code: int, status: int = 400, form: str = "int") -> Step:
    return said(status, body_of(code, form), code)


def refused(code: int, status: int = 400, form: str = "int") -> Step:
    return said(status, body_of(code, form), code, taken=False)


def both(name: str, *answer, ends: set[str], else_ends: set[str]) -> Rows:
    """One answer after the call was taken, and the same after it was not."""
    return {
        f"taken-{name}": (said(*answer), ends),
        f"refused-{name}": (said(*answer, taken=False), else_ends),
    }


def from_500_on() -> Rows:
    """Whatever is said with such a status: the call may have been taken."""
    codes = ((500, 500), (500, 117), (502, 104), (503, 117), (503, 153), (500, 9001), (501, 501))
    answers = {f"{status}-{code}": (status, body_of(code), code) for status, code in codes}
    answers |= {
        "500-empty": (500, b""),
        "503-page": (503, b"<html>503</html>"),
        "500-latin-1": (500, b"caf\xe9"),
    }
    rows = {}
    for name, answer in answers.items():
        rows |= both(name, *answer, ends=ONCE, else_ends=ONCE)
    for number, wait in enumerate(ODD_WAITS):
        rows[f"taken-500-wait-{number}"] = (said(500, b"", retry_after=wait), ONCE)
    return rows | {"taken-500-digits": (said(500, DIGITS), ONCE)}


def words_that_prove_nothing() -> Rows:
    """Codes and statuses below 500 that may follow acceptance, or come from a proxy."""
    answers = {f"{code}": (400, body_of(code), code) for code in sorted(OPEN)}
    answers |= {f"{status}-{status}": (status, body_of(status), status) for status in (404, 408)}
    answers |= {f"{status}-empty": (status, b"") for status in (200, 201, 202, 204, 409, 499)}
    answers |= {f"{status}-object": (status, b"{}") for status in (200, 201, 202)}
    answers |= {"400-page": (400, b"<html>no</html>"), "404-page": (404, b"<html>no</html>")}
    answers |= {f"153-{form}": (400, body_of(153, form), 153) for form in sorted({*FORMS})}
    rows = {}
    for name, answer in answers.items():
        rows |= both(name, *answer, ends=PERHAPS, else_ends=ONCE)
    return rows | {"taken-400-digits": (said(400, DIGITS), PERHAPS)}


def words_that_nobody_knows() -> Rows:
    """A person decides, and nothing is tried again."""
    rows = {}
    for code, status in ((9101, 400), (9102, 422), (9103, 404), (413, 413), (422, 422)):
        answer = (status, body_of(code), code)
        rows |= both(f"{status}-unknown-{code}", *answer, ends={"unknown"}, else_ends={"unknown"})
    return rows


def proof() -> Rows:
    """The call was not taken: never as it is, or not before the account is well, or not now."""
    rows = {f"refused-{code}": (refused(code), {"rejected"}) for code in sorted(NEVER)}
    rows |= {f"refused-{code}": (refused(code), ONCE) for code in sorted({*ACCOUNT, 206})}
    for status in (401, 403, 429):
        rows[f"refused-{status}-{status}"] = (refused(status, status), ONCE)
        rows[f"refused-{status}-unknown"] = (refused(9200 + status, status), ONCE)
        rows[f"refused-{status}-page"] = (said(status, b"<html>no</html>", taken=False), ONCE)
    for number, wait in enumerate(ODD_WAITS):
        rows[f"refused-429-wait-{number}"] = (said(429, b"", taken=False, retry_after=wait), ONCE)
    for form in ("text", "float", "error_code", "latin-1"):
        rows[f"refused-117-{form}"] = (refused(117, form=form), {"rejected"})
    for form in ("E", "errors"):
        rows[f"refused-117-{form}"] = (refused(117, form=form), {"rejected", "unknown"})
    return rows


def tickets() -> Rows:
    """A success that carries a code."""
    ticket = '{"sms_ticket": "sms_0123456789012345678901", "code": %s}'
    rows = {}
    for status, code in ((201, "201"), (201, "0"), (200, "200"), (201, '"000"'), (200, "202")):
        rows[f"taken-{status}-ticket-{code}"] = (said(status, (ticket % code).encode()), ONCE)
    for code in ("153", "117", "9301"):
        rows[f"taken-201-ticket-{code}"] = (said(201, (ticket % code).encode()), PERHAPS)
    return rows


ROWS: Rows = {
    **from_500_on(),
    **words_that_prove_nothing(),
    **words_that_nobody_knows(),
    **proof(),
    **tickets(),
}
CASES = [(kind, row) for kind in KINDS for row in ROWS]


@pytest.fixture(scope="module")
def misled(tmp_path_factory) -> Iterator[Misled]:
    """A worker whom the gateway misleads."""
    with Misled(tmp_path_factory.mktemp("misled")) as running:
        yield running


@pytest.fixture(scope="module", params=DUPLICATE_CODES)
def played(request, misled) -> dict[tuple[str, str], Case]:
    """All cases that were selected, each at its end."""
    mine = test_no_answer_misleads_about_what_the_handsets_show
    items = [each for each in request.session.items if getattr(each, "function", None) is mine]
    selected = {each.callspec.params["case"] for each in items}
    wanted = [case for case in CASES if case in selected]
    scenarios = [Scenario(kind, (ROWS[row][0],)) for kind, row in wanted]
    return dict(zip(wanted, misled.run(scenarios, duplicate_code=request.param), strict=True))


@pytest.mark.timeout(240)
@pytest.mark.parametrize("case", CASES, ids="-".join)
def test_no_answer_misleads_about_what_the_handsets_show(case, played):
    found, (step, ends) = played[case], ROWS[case[1]]

    assert found.wrong == [], str(found)
    assert set(found.states) <= ends, str(found)
    assert len(set(found.states)) == 1, "members of one call share its end"
    shown = "accepted" in found.states or step.taken
    assert sum(found.shown.values()) == (len(found.recipients) if shown else 0)


def test_messages_of_one_template_did_share_their_calls(misled):
    """Otherwise the shared half of the cases above would prove nothing."""
    [case] = misled.run([Scenario("shared", (taken(500, 500),))])

    [call] = [c for c in misled.installation.gateway.accepted() if case.marker in c.text]
    assert len(call.numbers) == MEMBERS
    assert (set(case.states), case.wrong) == ({"accepted"}, [])
