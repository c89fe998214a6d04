"""What a browser posts: a small form, read as it is and no more."""

import asyncio
from collections.abc import Mapping
from http import HTTPStatus
from typing import Final
from urllib.parse import parse_qsl

from starlette.requests import ClientDisconnect, Request

from worker.console.refusals import Refusal

#: Bytes of a form: the longest answer, percent-encoded, and more.
FORM_MAX_BYTES: Final = 16_384
_FIELDS_MAX: Final = 100
#: Seconds that a form may take to arrive.
_PATIENCE_S: Final = 10.0


async def read_form(request: Request) -> Mapping[str, str]:
    """Read the fields of a form; of a field that comes twice the last one counts.

    Raises:
        Refusal: it is no form, too long, or did not arrive.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/x-www-form-urlencoded":
        raise Refusal(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "Only forms are read here.")
    body = bytearray()
    try:
        async with asyncio.timeout(_PATIENCE_S):
            async for chunk in request.stream():
                body += chunk
                if len(body) > FORM_MAX_BYTES:
                    raise Refusal(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "This form is too long.")
        pairs = parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=_FIELDS_MAX)
    except (ClientDisconnect, TimeoutError):
        raise Refusal(HTTPStatus.REQUEST_TIMEOUT, "The form did not arrive.") from None
    except ValueError:
        raise Refusal(HTTPStatus.BAD_REQUEST, "This form cannot be read.") from None
    return dict(pairs)


def local_path(written: str, otherwise: str = "/") -> str:
    r"""Return a path of the console to go on to; anything else could lead to another site.

    Args:
        written: what a form or an address names: a path, and perhaps a query.
        otherwise: what to return instead of ``//host``, ``/\host``, an address, or something unreadable.
    """
    harmless = written.startswith("/") and not written.startswith(("//", "/\\"))
    return written if harmless and written.isascii() and written.isprintable() else otherwise
