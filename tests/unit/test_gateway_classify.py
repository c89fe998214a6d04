"""Every answer of the gateway means exactly one of the outcomes."""

import asyncio
import gzip
import json
import ssl

import aiohttp
import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.gateway.answers import classify
from worker.gateway.balances import balance
from worker.gateway.client import NOT_SENT, AnswerTooLargeError, Gateway, _failed
from worker.gateway.codes import CODES
from worker.gateway.outcomes import Accepted, Deferred, Duplicate, Outcome, Refused, Unexplained, Unknown
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
    assert answer(201, body) == Accepted(TICKET, "5.00502839", segments=2, contacts=1, credit="94.995")


@pytest.mark.parametrize("status", [200, 201, 202])
def test_any_2xx_with_a_ticket_is_a_success_and_all_else_is_optional(status):
    assert answer(status, {"sms_ticket": TICKET}) == Accepted(TICKET)


@pytest.mark.parametrize("code", [0, "0", "000"])
def test_code_zero_is_no_error(code):
    assert answer(201, {"code": code, "sms_ticket": TICKET}) == Accepted(TICKET)


def test_odd_types_in_optional_fields_do_not_spoil_a_ticket():
    body = {"sms_ticket": TICKET, "number_of_sms_needed": 1.5, "total_cost": True, "number_of_contacts": -1}
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
    simulated = {"sms_ticket": TICKET, "residual_credit": 1000}
    assert answer(201, simulated, simulated=True) == Accepted(TICKET)


PROVEN = [100, 102, 106, 107, 110, 111, 112, 115, 116, 117, 118, 119, 121, 122, 123, 124, 150, 151, 152, 189]
PROVEN += [103, 181, 201, 207, 208, 209, 1340, 1341]
ACCOUNT = [101, 104, 105, 108, 109, 113, 114, 401, 403]
OPEN = [125, 127, 129, 130, 132, 133, 153, 160, 438, 500, 501]


def expected(code: int) -> Outcome:
    """Name what a code below 500 means, apart from the table that the worker reads."""
    word = str(code)
    if code in PROVEN:
        return Refused(word, "why")
    if code in ACCOUNT:
        return Deferred(word, "why", account=True, may_use_up_id=True)
    if code in OPEN:
        return Unknown(word, "why", may_use_up_id=True)
    return {
        120: Duplicate("120", "why"),
        182: Duplicate("182", "why"),
        126: Deferred("126", "why", account=True, proven=False, may_use_up_id=True),
        128: Deferred("128", "why", proven=False, may_use_up_id=True),
        206: Deferred("206", "why", 30.0, may_use_up_id=True),
    }.get(code) or Unexplained(word, "why")


@pytest.mark.parametrize("code", [*range(99, 310), *CODES, 9999, 10**8])
def test_a_code_below_500_means_what_its_official_words_exclude(code):
    assert answer(400, {"code": code, "message": "why"}) == expected(code)
    assert answer(422, {"code": f"E{code}", "message": "why"}) == expected(code)


@pytest.mark.parametrize("status", [500, 502, 503, 504, 599])
@pytest.mark.parametrize("code", [*(set(CODES) - {120, 182}), 9999])
def test_from_500_on_no_code_proves_anything(status, code):
    outcome = answer(status, {"code": code, "message": "why"})
    assert outcome == Unknown(f"http_{status}" if code == status else str(code), "why")


@pytest.mark.parametrize("status", [200, 201, 400, 401, 429, 500, 503])
@pytest.mark.parametrize("code", [120, "120", "E120", 120.0, "0182", 182])
def test_a_duplicate_is_one_whatever_the_status_and_the_notation(status, code):
    assert isinstance(answer(status, {"code": code, "sms_ticket": TICKET}), Duplicate)


@pytest.mark.parametrize(
    "body", [b"", b"<html>", {"code": 153}, {"code": 117}, {"code": 9999}, {"code": 429}]
)
def test_429_asks_for_a_pause_whatever_else_it_says(body):
    outcome = answer(429, body)
    assert isinstance(outcome, Deferred)
    assert (outcome.code, outcome.account, outcome.leaves_doubt) == ("http_429", False, False)


@pytest.mark.parametrize("status", [401, 403])
@pytest.mark.parametrize("body", [b"<html>", {"code": 153}, {"code": 9999}, {"code": 101}])
def test_401_and_403_are_the_accounts_fault_whatever_else_they_say(status, body):
    outcome = answer(status, body)
    assert isinstance(outcome, Deferred)
    assert (outcome.account, outcome.leaves_doubt) == (True, False)


@pytest.mark.parametrize("where", ["code", "error_code", "errors"])
@pytest.mark.parametrize("code", [121, "121", 121.0, " 121 ", "0121", "E121"])
def test_a_code_counts_wherever_it_stands_and_however_it_is_written(where, code):
    body = {"errors": [{"code": code}]} if where == "errors" else {where: code}
    assert answer(400, body) == Refused("121")


@pytest.mark.parametrize("code", [-1, 1.5, 1e300, "x", "12 1", 10**12, "9" * 5000, "\u0661\u0662\u0661"])
def test_a_code_that_nobody_can_read_is_in_no_table(code):
    assert answer(400, {"code": code}) == Unexplained("illegible")
    assert answer(500, {"code": code}) == Unknown("illegible")


@pytest.mark.parametrize("code", [None, "", True, [], {}, 0, 0.0, "000"])
def test_what_is_no_code_leaves_the_word_to_the_status(code):
    assert answer(409, {"code": code}) == Unknown("http_409", may_use_up_id=True)


@pytest.mark.parametrize(
    ("code", "outcome"),
    [
        (200, Accepted(TICKET)),
        (201, Accepted(TICKET)),
        (202, Accepted(TICKET)),
        (121, Unknown("121", may_use_up_id=True)),
        (9999, Unknown("9999", may_use_up_id=True)),
    ],
)
def test_a_ticket_with_a_code_is_accepted_only_if_the_code_says_success(code, outcome):
    assert answer(201, {"code": code, "sms_ticket": TICKET}) == outcome


@pytest.mark.parametrize(
    ("code", "outcome"),
    [
        (0, Unknown("answer_without_ticket")),
        (200, Unknown("answer_without_ticket")),
        (206, Unknown("answer_without_ticket", may_use_up_id=True)),
        (104, Deferred("104", account=True, may_use_up_id=True)),
        (117, Refused("117")),
        (153, Unknown("153", may_use_up_id=True)),
        (9999, Unknown("9999", may_use_up_id=True)),
    ],
)
def test_a_2xx_without_a_ticket_is_open_unless_a_known_code_says_no(code, outcome):
    assert answer(200, {"code": code}) == outcome


@pytest.mark.parametrize("status", [100, 199, 500, 502, 503, 504, 599])
def test_other_statuses_without_a_code_leave_the_call_open(status):
    assert answer(status, b"<html>Bad Gateway</html>") == Unknown(f"http_{status}")


@pytest.mark.parametrize("status", [301, 302, 404, 408, 425])
def test_what_may_come_from_in_between_is_tried_again_and_proves_nothing(status):
    assert answer(status, b"<html>") == Deferred(f"http_{status}", proven=False)
    assert answer(status, {"code": status}) == Deferred(f"http_{status}", proven=False)


def test_a_proxy_answers_400_without_json():
    assert answer(400, b"<html>") == Deferred("http_400", proven=False)
    assert answer(400, {"message": "m"}) == Unexplained("http_400", "m")


def test_402_holds_the_account_and_proves_nothing():
    assert answer(402, b"<html>") == Deferred("http_402", account=True, proven=False)
    assert answer(402, {"code": 402}) == Deferred("http_402", account=True, proven=False)


@pytest.mark.parametrize("status", [409, 499])
def test_a_conflict_may_be_with_ourselves(status):
    assert answer(status, b"") == Unknown(f"http_{status}", may_use_up_id=True)


@pytest.mark.parametrize("status", [405, 410, 413, 418, 422, 451])
def test_any_other_no_is_for_somebody_to_look_at(status):
    assert answer(status, b"<html>") == answer(status, {"code": status}) == Unexplained(f"http_{status}")


def test_retry_after_is_read_as_seconds_or_as_a_date():
    assert answer(429, b"", {"retry-after": "7"}) == Deferred("http_429", retry_after_s=7.0)
    assert answer(429, b"", {"retry-after": " 2.5 "}).retry_after_s == 2.5
    assert answer(429, b"", {"retry-after": "Wed, 21 Oct 2015 07:28:00 GMT"}).retry_after_s == 0.0
    assert answer(503, b"", {"retry-after": "9"}) == Unknown("http_503", retry_after_s=9.0)
    assert answer(400, {"code": 153}, {"retry-after": "5"}).retry_after_s == 5.0


@pytest.mark.parametrize(
    "value", ["soon", "", "nan", "1e9", "Wed, 21 Oct 2015 07:28:00 +9999999999", "0, 0 0 0", "9" * 5000]
)
def test_a_retry_after_that_nobody_can_read_is_none(value):
    assert answer(429, b"", {"retry-after": value}).retry_after_s is None


@pytest.mark.parametrize("encoding", ["latin-1", "cp1252", "utf-8-sig", "utf-16"])
def test_an_accent_in_any_encoding_hides_nothing(encoding):
    body = '{"code":104,"message":"Crédit épuisé"}'.encode(encoding)
    assert answer(400, body) == Deferred("104", "Crédit épuisé", account=True, may_use_up_id=True)


def test_an_answer_that_something_in_between_has_packed_is_read():
    """Every message would be in doubt, and its duplicate unreadable."""
    taken = gzip.compress(json.dumps({"sms_ticket": TICKET}).encode())
    assert answer(201, taken) == Accepted(TICKET)
    assert answer(400, gzip.compress(b'{"code": 120}')) == Duplicate("120")


@pytest.mark.parametrize(
    "packed",
    [gzip.compress(b'{"sms_ticket": "t"}')[:-12], b"\x1f\x8b no gzip", gzip.compress(b" " * 99_999 + b"{}")],
)
def test_what_was_packed_and_is_damaged_or_too_long_leaves_the_call_open(packed):
    assert answer(201, packed) == Unknown("answer_without_ticket")


@pytest.mark.parametrize("cost", [0.049, "0.049", "0,049", " 0.049 "])
def test_amounts_are_read_as_numbers_however_they_are_written(cost):
    found = answer(201, {"sms_ticket": TICKET, "total_cost": cost, "number_of_sms_needed": "2"})
    assert found == Accepted(TICKET, cost="0.049", segments=2)
    assert balance(200, json.dumps({"amount": cost}).encode()) == 0.049


@pytest.mark.parametrize(
    "amount", ["soon", "nan", "inf", "", "1 2", True, None, [], {}, "9" * 400, 10**400, -(10**400), 1e300]
)
def test_what_is_no_amount_is_none(amount):
    assert answer(201, {"sms_ticket": TICKET, "total_cost": amount}) == Accepted(TICKET)
    assert balance(200, json.dumps({"amount": amount}).encode()) is None


@pytest.mark.parametrize("cost", [-0.05, "-5", 10_000, 9e14, "999999999999999"])
def test_what_no_call_costs_is_no_cost(cost):
    assert answer(201, {"sms_ticket": TICKET, "total_cost": cost}) == Accepted(TICKET)


@pytest.mark.parametrize("count", [0, "0", 10_000, 999_999_999])
def test_what_no_call_has_for_segments_is_no_count(count):
    assert answer(201, {"sms_ticket": TICKET, "number_of_sms_needed": count}) == Accepted(TICKET)


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
