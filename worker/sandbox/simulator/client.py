"""Typed client of the admin interface, for tests, demos and scripts."""

import time
from typing import Any

import httpx
import msgspec

from worker.sandbox.simulator.callback_record import CallbackRecord
from worker.sandbox.simulator.campaign import Campaign
from worker.sandbox.simulator.events import Event
from worker.sandbox.simulator.handsets import HandsetMessage
from worker.sandbox.simulator.journal import RequestRecord
from worker.sandbox.simulator.settings import SimulatorSettings

_TIMEOUT_S = 15.0
_POLL_S = 0.005
#: Seconds for which an idle connection is used again. The server closes it after 5, and a call that comes
#: then is refused.
_IDLE_S = 2.0


class SimulatorAdmin:
    """The admin interface, one method per thing to see or do; answers are the simulator's own types.

    Not for use by several threads at the same time.
    """

    def __init__(self, admin_url: str) -> None:
        kept = httpx.Limits(keepalive_expiry=_IDLE_S)
        self.http = httpx.Client(base_url=admin_url, trust_env=False, timeout=_TIMEOUT_S, limits=kept)

    def close(self) -> None:
        """Close the connection."""
        self.http.close()

    def call(self, method: str, path: str, body: Any = None, **query: str | None) -> Any:
        """Make any admin call and return its JSON; anything but success raises."""
        parameters = {name: value for name, value in query.items() if value is not None}
        answer = self.http.request(method, path, json=body, params=parameters)
        if answer.is_error:
            raise ValueError(f"{method} {path}: {answer.text}")
        return answer.json()

    def reset(self) -> None:
        """Return to the state at start."""
        self.call("POST", "/reset")

    def settings(self, **changes: Any) -> SimulatorSettings:
        """Change some settings and return all."""
        return msgspec.convert(self.call("PATCH", "/settings", changes), SimulatorSettings)

    def advance(self, seconds: float) -> None:
        """Move the simulator's clock."""
        self.call("POST", "/clock", {"advance_s": seconds})

    def set_clock(self, instant: str) -> None:
        """Set the simulator's clock to an ISO 8601 instant."""
        self.call("POST", "/clock", {"set": instant})

    def now(self) -> float:
        """Return the simulator's instant in seconds since the epoch."""
        return float(self.call("GET", "/clock")["now"])

    def balance(self, amount: float | None = None) -> float:
        """Return the credit, after setting it if an amount is given."""
        body = None if amount is None else {"amount": amount}
        return float(self.call("GET" if amount is None else "PUT", "/balance", body)["amount"])

    def blacklist(self, *, add: str = "", remove: str = "") -> list[str]:
        """Return the blacklist after a change, if any."""
        if add:
            self.call("PUT", f"/blacklist/{add}")
        if remove:
            self.call("DELETE", f"/blacklist/{remove}")
        return list(self.call("GET", "/blacklist")["numbers"])

    def fault(self, preset: str | None = None, *, times: int = 0, match: Any = None, **fields: Any) -> None:
        """Add a fault rule: a preset, fields of a ``Fault``, or both; ``match`` are fields of a ``Match``."""
        fault = fields if preset is None else {"preset": preset, **fields}
        rule = {"fault": msgspec.to_builtins(fault), "times": times, "match": match or {}}
        self.call("POST", "/faults", rule)

    def faults(self) -> list[dict[str, Any]]:
        """List the fault rules with their use."""
        return list(self.call("GET", "/faults"))

    def clear_faults(self) -> None:
        """Drop the fault rules and the default fault."""
        self.call("DELETE", "/faults")
        self.call("DELETE", "/faults/default")

    def default_fault(self, preset: str | None = None, **fields: Any) -> None:
        """Set the fault of every send that no rule matches."""
        self.call("PUT", "/faults/default", fields if preset is None else {"preset": preset, **fields})

    def fate(self, *, times: int = 0, match: Any = None, **fields: Any) -> None:
        """Add a rule on what becomes of messages: fields of a ``Fate``."""
        self.call("POST", "/fates", {"fate": fields, "times": times, "match": match or {}})

    def auto_reply(self, text: str, **fields: Any) -> None:
        """Let handsets answer by themselves: fields of an ``AutoReply``."""
        self.call("POST", "/auto-replies", {"text": text, **fields})

    def stop_listening(self, down_s: float | None = None, *, cut_connections: bool = True) -> None:
        """Refuse connections to the gateway for a while, or until `SimulatorAdmin.listen`."""
        self.call("POST", "/listening", {"down_s": down_s, "cut_connections": cut_connections})

    def listen(self) -> None:
        """Take connections to the gateway again."""
        self.call("POST", "/listening", {"up": True})

    def reply(self, number: str, text: str, **fields: Any) -> Event:
        """Let a handset answer the last message it got; fields ``ticket`` and ``message_id_form``."""
        return msgspec.convert(
            self.call("POST", "/replies", {"number": number, "text": text, **fields}), Event
        )

    def stop(self, number: str, **fields: Any) -> Event:
        """Let a handset opt out; fields ``text`` and ``ticket``."""
        return msgspec.convert(self.call("POST", "/stops", {"number": number, **fields}), Event)

    def receipt(self, ticket: str, number: str, status: str, **fields: Any) -> Event:
        """Post any receipt; field ``copies``."""
        body = {"ticket": ticket, "number": number, "status": status, **fields}
        return msgspec.convert(self.call("POST", "/receipts", body), Event)

    def accepted(self, request_id: str | None = None) -> list[Campaign]:
        """List the accepted calls."""
        return msgspec.convert(self.call("GET", "/accepted", request_id=request_id), list[Campaign])

    def messages(self, **wanted: str | None) -> list[HandsetMessage]:
        """List what left for handsets; filters ``number``, ``request_id``, ``ticket``."""
        return msgspec.convert(self.call("GET", "/messages", **wanted), list[HandsetMessage])

    def delivered(self) -> dict[tuple[str | None, str], int]:
        """Count what handsets show, by (request_id, number)."""
        counted = self.call("GET", "/counts")["by_request"]
        return {(entry["request_id"], entry["number"]): entry["reached"] for entry in counted}

    def delivered_texts(self) -> dict[tuple[str, str], int]:
        """Count what handsets show, by (number, text)."""
        return {(e["number"], e["text"]): e["reached"] for e in self.call("GET", "/counts")["by_text"]}

    def attempts(self, request_id: str | None = None) -> dict[str, dict[str, Any]]:
        """Return ``posts``, ``sha256`` and ``outcomes`` of the sends per request_id."""
        return dict(self.call("GET", "/attempts", request_id=request_id))

    def requests(self) -> list[RequestRecord]:
        """List every request to the gateway port."""
        return msgspec.convert(self.call("GET", "/requests"), list[RequestRecord])

    def stats(self) -> dict[str, int]:
        """Return the totals."""
        return dict(self.call("GET", "/stats"))

    def callbacks(self, kind: str | None = None) -> list[CallbackRecord]:
        """List the callbacks posted, oldest first."""
        return msgspec.convert(self.call("GET", "/callbacks", kind=kind), list[CallbackRecord])

    def violations(self) -> list[CallbackRecord]:
        """List the callbacks whose answer broke Octopush's rules."""
        return msgspec.convert(self.call("GET", "/callbacks/violations"), list[CallbackRecord])

    def wait_until_idle(self, patience_s: float = 15.0) -> None:
        """Wait until no callback is scheduled in real time and no send is under way.

        Raises:
            TimeoutError: It took too long.
        """
        deadline = time.monotonic() + patience_s
        while (stats := self.stats())["callbacks_pending"] or stats["under_way"]:
            if time.monotonic() > deadline:
                raise TimeoutError(f"still busy after {patience_s:g} s: {stats}")
            time.sleep(_POLL_S)
