"""Every answer of the gateway means exactly one of the outcomes."""

import asyncio
import json
import ssl

import aiohttp
import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.answers import classify
from worker.codes import CODES, CodeClass
from worker.gateway import NOT_SENT, AnswerTooLargeError, Gateway, _failed
from worker.outcomes import Accepted, Deferred, Duplicate, Refused, Unknown
from worker.settings import WorkerSettings

TICKET = "sms_5f3fbce61266e"


def answer(status: int, body: object, headers: dict[str, str] | None = None, *, simulated: bool = False):
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return classify(status, httpx.Headers(headers or {}), content, simulated=simulated)


def test_the_documented_success_is_read_field_by_field():
    body = {
        "sms_ticket": TICKET,
        "number_of_contacts": 1,
        "number_of_sms_needed": 2,
        "residual_credit": 94.995,
        "total_cost": 5.00502839,
    }
    assert answer(201, body) == Accepted(TICKET, cost="5.00502839", segments=2, contacts=1)


@pytest.mark.parametrize("status", [200, 201, 202])
def test_any_2xx_with_a_ticket_is_a_success_and_all_else_is_optional(status):
    assert answer(status, {"sms_ticket": TICKET}) == Accepted(TICKET)


@pytest.mark.parametrize("code", [0, "0", "000"])
def test_code_zero_is_no_error(code):
    assert answer(201, {"code": code, "sms_ticket": TICKET}) == Accepted(TICKET)


def test_odd_types_in_optional_fields_do_not_spoil_a_ticket():
    body = {"sms_ticket": TICKET, "number_of_sms_needed": "2", "total_cost": True, "number_of_contacts": -1}
    assert answer(201, body) == Accepted(TICKET)


@pytest.mark.parametrize(
    "body", [b"", b"<html>", b'{"sms_tick', b"[]", b"null", b"{}", b"\xff\xfe", b"[" * 100_000]
)
def test_a_2xx_without_a_ticket_leaves_the_call_open(body):
    assert answer(200, body) == Unknown("answer_without_ticket")


@pytest.mark.parametrize("ticket", ["", None, 7, "x" * 65])
def test_a_ticket_must_look_like_one(ticket):
    assert isinstance(answer(201, {"sms_ticket": ticket}), Unknown)


def test_a_simulated_call_may_lack_a_ticket():
    assert answer(201, {"number_of_contacts": 1}, simulated=True) == Accepted(None)


@pytest.mark.parametrize("status", [200, 400, 500])
@pytest.mark.parametrize(("code", "row"), CODES.items())
def test_a_known_code_decides_whatever_the_status(status, code, row):
    outcome = answer(status, {"code": code, "message": "why"})
    expected = {
        CodeClass.PERMANENT: Refused(str(code), "why"),
        CodeClass.ACCOUNT: Deferred(str(code), "why", account=True),
        CodeClass.TRANSIENT: Deferred(str(code), "why"),
        CodeClass.DUPLICATE: Duplicate(str(code), "why"),
    }
    assert outcome == expected[row.kind]


def test_both_duplicate_codes_are_in_the_table():
    assert {code for code, row in CODES.items() if row.kind is CodeClass.DUPLICATE} == {120, 182}


def test_a_code_as_digit_string_counts():
    assert answer(400, {"code": "121", "message": "m"}) == Refused("121", "m")


def test_an_error_code_outweighs_a_ticket():
    assert answer(200, {"code": 121, "sms_ticket": TICKET}) == Refused("121")


def test_an_unknown_code_is_refused_for_somebody_to_look_at():
    assert answer(400, {"code": 9999}) == Refused("9999", known=False)


def test_an_unknown_code_with_5xx_leaves_the_call_open():
    assert answer(500, {"code": 9999}) == Unknown("9999")


@pytest.mark.parametrize("status", [401, 402, 403])
def test_access_errors_are_the_accounts_fault(status):
    assert answer(status, b"<html>") == Deferred(f"http_{status}", account=True)


@pytest.mark.parametrize("status", [500, 502, 503, 504, 599])
def test_5xx_without_a_code_leaves_the_call_open(status):
    assert answer(status, b"<html>Bad Gateway</html>") == Unknown(f"http_{status}")


@pytest.mark.parametrize("status", [301, 302, 404, 408, 425, 429])
def test_answers_that_took_nothing_are_deferred(status):
    assert answer(status, b"<html>") == Deferred(f"http_{status}")


@pytest.mark.parametrize("status", [400, 405, 409, 413, 422])
def test_other_4xx_without_a_code_are_refused_for_somebody_to_look_at(status):
    assert answer(status, b"<html>") == Refused(f"http_{status}", known=False)


def test_retry_after_is_read_as_seconds_or_as_a_date():
    assert answer(429, b"", {"retry-after": "7"}) == Deferred("http_429", retry_after_s=7.0)
    assert answer(429, b"", {"retry-after": "Wed, 21 Oct 2015 07:28:00 GMT"}).retry_after_s == 0.0
    assert answer(429, b"", {"retry-after": "soon"}).retry_after_s is None
    assert answer(503, b"", {"retry-after": "9"}) == Unknown("http_503", retry_after_s=9.0)
    assert answer(400, {"code": 153}, {"retry-after": "5"}) == Deferred("153", retry_after_s=5.0)


def test_error_texts_are_cut():
    assert len(answer(400, {"code": 121, "message": "m" * 9999}).message) == 200
    assert answer(400, {"code": 121, "message": {"a": 1}}).message == ""


@given(st.integers(100, 599), st.binary(max_size=200))
def test_any_bytes_have_an_outcome(status, content):
    assert classify(status, httpx.Headers(), content) is not None


def test_certificates_are_verified_and_one_context_serves_all_connections():
    settings = WorkerSettings.from_env({"OCTOPUSH_API_LOGIN": "a", "OCTOPUSH_API_KEY": "b"})
    gateway = Gateway(settings)
    assert gateway._tls.verify_mode is ssl.CERT_REQUIRED
    assert gateway._tls.check_hostname

    async def context_of_connections() -> object:
        async with gateway._session() as session:
            return session.connector._ssl

    assert asyncio.run(context_of_connections()) is gateway._tls


def _with_subclasses(kind: type[BaseException]) -> set[type[BaseException]]:
    return {kind}.union(*(_with_subclasses(each) for each in kind.__subclasses__()))


#: What aiohttp raises before it has a connection to write to. It names all else after that, or may.
BEFORE_THE_FIRST_BYTE = {
    "ClientConnectorError",
    "ClientConnectorDNSError",
    "ClientConnectorSSLError",
    "ClientSSLError",
    "ClientConnectorCertificateError",
    "ClientProxyConnectionError",
    "UnixClientConnectorError",
    "ConnectionTimeoutError",
    "InvalidURL",
    "InvalidUrlClientError",
    "InvalidUrlRedirectClientError",
}
OF_AIOHTTP = sorted(
    (
        each
        for each in _with_subclasses(aiohttp.ClientError) | _with_subclasses(asyncio.TimeoutError)
        if each.__module__.split(".")[0] in {"aiohttp", "builtins"}
    ),
    key=lambda each: each.__name__,
)


def bare(kind: type[BaseException]) -> BaseException:
    """Make an exception without the arguments it usually takes."""
    return kind.__new__(kind)


@pytest.mark.parametrize("kind", OF_AIOHTTP, ids=lambda kind: kind.__name__)
@pytest.mark.parametrize(
    "outer", [None, httpx.ConnectTimeout, httpx.ConnectError, httpx.ReadError, httpx.UnsupportedProtocol]
)
def test_every_exception_of_aiohttp_says_whether_the_call_may_have_left(kind, outer):
    """Whatever httpx's name for it: the adapter calls a lost connection a connect time-out."""
    error = bare(kind)
    if outer is not None:
        error, error.__cause__ = outer("x"), error
    expected = Deferred if kind.__name__ in BEFORE_THE_FIRST_BYTE else Unknown
    assert type(_failed(error)) is expected


def test_the_list_of_what_lies_before_the_first_byte_is_whole_and_no_longer_than_needed():
    assert {each.__name__ for each in OF_AIOHTTP} >= BEFORE_THE_FIRST_BYTE
    assert {each.__name__ for each in OF_AIOHTTP if issubclass(each, NOT_SENT)} == BEFORE_THE_FIRST_BYTE


@pytest.mark.parametrize(
    "kind", sorted(_with_subclasses(httpx.HTTPError), key=str), ids=lambda kind: kind.__name__
)
def test_httpx_itself_is_believed_only_where_it_refuses_to_start(kind):
    outcome = _failed(kind.__new__(kind))
    not_started = issubclass(kind, httpx.UnsupportedProtocol | httpx.LocalProtocolError)
    assert type(outcome) is (Deferred if not_started else Unknown)


@pytest.mark.parametrize(
    "error",
    [TimeoutError(), AnswerTooLargeError(), OSError(), ConnectionRefusedError(), RuntimeError()],
)
def test_anything_else_leaves_the_call_open(error):
    assert isinstance(_failed(error), Unknown)


def test_a_failure_is_named_by_its_kind_and_never_by_its_text():
    error = httpx.ConnectTimeout("canary")
    error.__cause__ = aiohttp.ServerDisconnectedError("canary")
    assert _failed(error) == Unknown("server_disconnected_error")
