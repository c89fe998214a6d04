"""A real SMTP server that keeps what it takes, and misbehaves at the step and as often as a test says."""

import asyncio
import email
import email.policy
import ssl
import subprocess
import threading
from collections import defaultdict, deque
from collections.abc import Callable, Coroutine
from email.message import EmailMessage
from pathlib import Path
from typing import Any, Final, NamedTuple, Self

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

#: In place of an answer: the connection is lost there.
DROP: Final = "drop"
#: In place of an answer to a whole mail: it is taken, and the connection is lost before anybody hears of it.
TAKE_AND_DROP: Final = "take and drop"
#: In place of an answer: none comes.
HANG: Final = "hang"
#: In place of an answer to a whole mail: it is taken, and no answer comes.
TAKE_AND_HANG: Final = "take and hang"

USER, PASSWORD = "sms", "geheim/2 @x"


class Taken(NamedTuple):
    """A mail as it was taken."""

    sender: str
    recipients: list[str]
    content: bytes

    @property
    def message(self) -> EmailMessage:
        """The mail, parsed."""
        return email.message_from_bytes(self.content, policy=email.policy.default)

    @property
    def mail_id(self) -> str:
        """Its Message-ID."""
        return str(self.message["Message-ID"])

    @property
    def text(self) -> str:
        """Its body."""
        return self.message.get_content()


class SmtpServer:
    """An SMTP server in a thread, at 127.0.0.1.

    Args:
        tls: certificate and key in one file; None for a server without TLS.
        implicit: whether TLS begins with the connection.
        login: whether nothing goes without a login.

    Attributes:
        taken: what it took, in order.
        connections: how many were opened.
        commands: what was said, in order, without arguments.
        port: where it listens.
        on_taken: called when a mail was taken, before that is answered.
    """

    def __init__(self, tls: Path | None = None, *, implicit: bool = False, login: bool = False) -> None:
        self.taken: list[Taken] = []
        self.connections = 0
        self.commands: list[str] = []
        self._faults: dict[str, deque[str]] = defaultdict(deque)
        self._always: dict[str, str] = {}
        self._context = _server_context(tls) if tls else None
        self._implicit, self._login = implicit, login
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._server: asyncio.Server | None = None
        self.port = 0
        self.on_taken: Callable[[], object] = lambda: None

    def fail(self, step: str, *answers: str) -> None:
        """Misbehave at a step, once with each answer.

        Args:
            step: ``CONNECT``, ``EHLO``, ``AUTH``, ``MAIL``, ``RCPT``, ``RCPT <address>``, ``DATA`` (the wish
                to send), ``BODY`` (the whole mail) or ``QUIT``.
            answers: such as ``451 4.3.0 Later``, or `DROP`, `HANG`; at ``BODY`` also the other two.
        """
        self._faults[step].extend(answers)

    def always(self, step: str, answer: str | None) -> None:
        """Misbehave at a step each time, until told ``None``."""
        self._always.pop(step, None)
        if answer is not None:
            self._always[step] = answer

    def answer(self, step: str) -> str | None:
        """Say how a step misbehaves now, or None."""
        if self._faults[step]:
            return self._faults[step].popleft()
        return self._always.get(step)

    def start(self) -> Self:
        """Listen, on the port of before if there was one."""
        if not self._thread.is_alive():
            self._thread.start()
        self._run(self._listen())
        return self

    def stop(self) -> None:
        """Stop listening; connections are refused then. Safe to repeat."""
        if self._server is not None:
            self._run(self._close())

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()
        self._run(_cancel_all())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _listen(self) -> None:
        tls = self._context if self._implicit else None
        self._server = await self._loop.create_server(
            lambda: _Protocol(self, None if self._implicit else self._context, self._login, self._loop),
            "127.0.0.1",
            self.port,
            ssl=tls,
            reuse_address=True,
        )
        self.port = self._server.sockets[0].getsockname()[1]

    async def _close(self) -> None:
        server, self._server = self._server, None
        assert server is not None
        server.close()

    def _run(self, coroutine: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(10)


class _Protocol(SMTP):
    def __init__(
        self, server: SmtpServer, context: ssl.SSLContext | None, login: bool, loop: asyncio.AbstractEventLoop
    ) -> None:
        self._of = server
        super().__init__(
            _Handler(server),
            hostname="mail.example.com",
            tls_context=context,
            require_starttls=context is not None,
            auth_required=login,
            # aiosmtpd does not see TLS that begins with the connection.
            auth_require_tls=context is not None,
            authenticator=self._check_login,
            loop=loop,
        )

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._of.connections += 1
        if self._of.answer("CONNECT") == DROP:
            transport.abort()
            return
        super().connection_made(transport)

    async def push(self, status: str | bytes) -> None:
        """Answer; or do what takes the place of an answer."""
        text = status.decode() if isinstance(status, bytes) else status
        if DROP in text:
            self.transport.abort()
        elif HANG in text:
            await asyncio.sleep(3600)  # never
        else:
            await super().push(status)

    async def _call_handler_hook(self, command: str, *args: Any) -> Any:
        self._of.commands.append(command)
        return await super()._call_handler_hook(command, *args)

    async def smtp_DATA(self, arg: str) -> None:  # noqa: N802 - aiosmtpd's name
        self._of.commands.append("354")
        answer = self._of.answer("DATA")
        if answer:
            await self.push(answer)
        else:
            await super().smtp_DATA(arg)

    async def smtp_AUTH(self, arg: str) -> None:  # noqa: N802 - aiosmtpd's name
        answer = self._of.answer("AUTH")
        if answer:
            await self.push(answer)
        else:
            await super().smtp_AUTH(arg)

    async def smtp_QUIT(self, arg: str) -> None:  # noqa: N802 - aiosmtpd's name
        self._of.commands.append("QUIT")
        answer = self._of.answer("QUIT")
        if answer:
            await self.push(answer)
        else:
            await super().smtp_QUIT(arg)

    def _check_login(
        self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: LoginPassword
    ) -> AuthResult:
        known = (data.login, data.password) == (USER.encode(), PASSWORD.encode())
        return AuthResult(success=known, handled=False)


class _Handler:
    def __init__(self, server: SmtpServer) -> None:
        self._of = server

    async def handle_EHLO(self, server, session, envelope, hostname, responses):  # noqa: N802 - aiosmtpd's name
        session.host_name = hostname
        answer = self._of.answer("EHLO")
        return [answer] if answer else responses

    async def handle_HELO(self, server, session, envelope, hostname):  # noqa: N802 - aiosmtpd's name
        session.host_name = hostname
        return self._of.answer("EHLO") or "250 mail.example.com"

    async def handle_MAIL(self, server, session, envelope, address, options):  # noqa: N802 - aiosmtpd's name
        answer = self._of.answer("MAIL")
        if answer:
            return answer
        envelope.mail_from = address
        return "250 2.1.0 OK"

    async def handle_RCPT(self, server, session, envelope, address, options):  # noqa: N802 - aiosmtpd's name
        answer = self._of.answer("RCPT") or self._of.answer(f"RCPT {address}")
        if answer:
            return answer
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 OK"

    async def handle_DATA(self, server, session, envelope):  # noqa: N802 - aiosmtpd's name
        answer = self._of.answer("BODY")
        if answer and not answer.startswith("take"):
            return answer
        self._of.taken.append(Taken(envelope.mail_from, [*envelope.rcpt_tos], envelope.content))
        self._of.on_taken()
        return answer or "250 2.0.0 OK"


def certificate(directory: Path, *, host: str = "127.0.0.1") -> Path:
    """Make a certificate for a host, signed by itself, and its key, both in one file."""
    both, key = directory / "tls.pem", directory / "key.pem"
    name = f"subjectAltName=IP:{host}" if host[0].isdigit() else f"subjectAltName=DNS:{host}"
    subprocess.run(
        [
            *(
                "openssl",
                "req",
                "-x509",
                "-newkey",
                "ec",
                "-pkeyopt",
                "ec_paramgen_curve:prime256v1",
                "-nodes",
            ),
            *("-keyout", key, "-out", both, "-days", "2", "-subj", "/CN=test", "-addext", name),
        ],
        check=True,
        capture_output=True,
    )
    both.write_bytes(both.read_bytes() + key.read_bytes())
    return both


def _server_context(both: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(both)
    return context


async def _cancel_all() -> None:
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)
