"""Answers that may mislead, drawn at random, and what each of them proves: the tests' own table of evidence.

Written down a second time on purpose, from what the gateway's codes officially mean: it shares nothing with
the worker that it judges.
"""

import base64
import json
import random
from dataclasses import dataclass, field
from typing import Any, Final

#: Codes below status 500 whose official meaning excludes that the call was taken: it never will be as it is.
#: That of 103, no recipients, is believed until it is tried on a live account.
NEVER: Final = frozenset(
    {100, 102, 103, 106, 107, *range(110, 113), *range(115, 120), *range(121, 125), *range(150, 153)}
    | {181, 189, 201, 207, 208, 209, 1340, 1341}
)
#: Those of them that may be the fault of one recipient.
SPLITTING: Final = frozenset({103, 117, 150, 151, 152, 181})
#: The same, for the account: nothing is taken until it is mended.
ACCOUNT: Final = frozenset({101, 104, 105, 108, 109, 113, 114, 401, 403})
#: Not taken now.
BUSY: Final = frozenset({206})
#: Words that may well follow acceptance.
OPEN: Final = frozenset({125, 126, 127, 128, 129, 130, 132, 133, 153, 160, 438, 500, 501})
#: Published codes of which no one knows what they say about a send.
OBSCURE: Final = frozenset({131, 134, 139, 142, 155, 156, 157, 202, 210, 300, 305})
DUPLICATES: Final = frozenset({120, 182})
#: Statuses that are proof whatever the body says: they come from what stands in front of the gateway.
PROOFS: Final = frozenset({401, 403, 429})
STATUSES: Final = (
    *(200, 201, 202, 204, 302, 400, 401, 403, 404, 408, 409, 413, 422, 429, 499, 500, 502, 503),
)
#: Odd values of Retry-After, most of which nobody can obey.
RETRY_AFTER: Final = (
    *("0", "1", "1.5", "-5", "soon", "1e3", "", "99999999999999", "Wed, 21 Oct 2015 07:28:00 GMT"),
    *("Wed, 21 Oct 2015 07:28:00 +9999999999", "Fri, 99 Foo 99999 99:99:99 GMT", "9" * 5000),
)
#: What is there in place of an answer.
LOST: Final = ("reset", "close", "silence", "garbage", "truncated")
#: How a code is written.
FORMS: Final = ("int", "int", "int", "text", "E", "float", "error_code", "errors", "latin-1")


#: What the simulator's journal calls the POSTs that met a step: this and its number.
STEP: Final = "step"


@dataclass(frozen=True)
class Step:
    """What a POST meets.

    Attributes:
        taken: whether the gateway takes the call.
        answer: one of `LOST`, or ``said`` for an HTTP answer.
        status: of the answer.
        code: in its body, however it is written; None for none.
        content: its body.
        retry_after: a header, if any.
        burns: whether the id is used up although the call is not taken.
    """

    taken: bool
    answer: str = "said"
    status: int = 0
    code: int | None = None
    content: bytes = b""
    retry_after: str | None = None
    burns: bool = False

    @property
    def is_heard(self) -> bool:
        """Whether there is an answer below 500: one that says no, or something odd."""
        return self.answer == "said" and self.status < 500

    @property
    def is_proof(self) -> bool:
        """Whether the answer proves that the call was not taken."""
        if not self.is_heard or self.code in DUPLICATES:
            return False
        if self.status < 300 and self.code is not None and 200 <= self.code < 300:
            # A success that repeats itself; without a ticket it proves nothing.
            return False
        return self.status in PROOFS or self.code in NEVER | ACCOUNT | BUSY

    @property
    def refuses_for_good(self) -> bool:
        """Whether the call will never be taken as it is."""
        return self.is_proof and self.status not in PROOFS and self.code in NEVER

    @property
    def may_burn(self) -> bool:
        """Whether it may have used up the id: the gateway itself answered, not something in front of it."""
        if not self.is_heard or self.status in PROOFS or self.code is None:
            return False
        # A success with the code of a success says no in no language.
        return self.status >= 300 or not 200 <= self.code < 300 or self.code in NEVER | BUSY | OBSCURE

    def fault(self, number: int) -> dict[str, Any]:
        """The fields of the simulator's fault for POST `number` of each id, from 1."""
        processing = "full" if self.taken else "claim_only" if self.burns else "none"
        made: dict[str, Any] = {"processing": processing, "first_posts": number, "label": f"{STEP}{number}"}
        if self.answer != "said":
            return made | {"answer": self.answer}
        headers = {} if self.retry_after is None else {"Retry-After": self.retry_after}
        content = base64.b64encode(self.content).decode()
        return made | {"answer": "raw", "status": self.status, "content": content, "headers": headers}

    def __str__(self) -> str:
        did = "takes it" if self.taken else "uses up its id" if self.burns else "does not take it"
        if self.answer != "said":
            return f"{did}, then {self.answer}"
        wait = "" if self.retry_after is None else f", Retry-After {self.retry_after[:40]!r}"
        return f"{did}, answers {self.status} {self.content[:80]!r}{wait}"


def body_of(code: int, form: str = "int") -> bytes:
    """Write an answer with a code in one of the `FORMS`."""
    message = {"message": "no"}
    written: dict[str, dict[str, Any]] = {
        "text": {"code": f"{code}"},
        "E": {"code": f"E{code}"},
        "float": {"code": float(code)},
        "error_code": {"error_code": code},
        "errors": {"errors": [{"code": code}]},
    }
    if form == "latin-1":
        return f'{{"code": {code}, "message": "déjà envoyé"}}'.encode("latin-1")
    return json.dumps(written.get(form, {"code": code}) | message).encode()


def draw_step(rng: random.Random, *, was_taken: bool) -> Step:
    """Draw what one POST meets.

    Not drawn, since nobody could tell: a call that is taken and answered with proof of the contrary; a
    duplicate that is told of an id which never was taken.
    """
    step = _drawn(rng)
    if step.answer == "said" and step.code in DUPLICATES:
        return Step(True, "said", step.status, step.code, step.content, step.retry_after)
    taken = not step.is_proof and step.code not in OBSCURE and rng.random() < 0.6
    burns = not taken and not was_taken and step.may_burn and rng.random() < 0.25
    return Step(taken, step.answer, step.status, step.code, step.content, step.retry_after, burns=burns)


def _drawn(rng: random.Random) -> Step:
    if rng.random() < 0.15:
        return Step(False, rng.choice(LOST))
    status = rng.choice(STATUSES) if rng.random() < 0.7 else 400
    retry_after = rng.choice(RETRY_AFTER) if rng.random() < 0.15 else None
    if status == 204 or rng.random() < 0.15:
        pages = (b"", b"<html>no</html>", "refusé".encode("latin-1"), b'{"message": "no"}', b"[]", b"{")
        content = b"" if status == 204 else rng.choice(pages)
        return Step(False, "said", status, None, content, retry_after)
    kinds = (NEVER, SPLITTING, ACCOUNT, BUSY, OPEN, OPEN, OPEN, OBSCURE, DUPLICATES)
    # Unknown codes are many, so that no two messages meet the same.
    code = rng.randrange(2000, 10**6) if rng.random() < 0.1 else rng.choice(sorted(rng.choice(kinds)))
    if rng.random() < 0.1:
        code = status
    return Step(False, "said", status, code, body_of(code, rng.choice(FORMS)), retry_after)


@dataclass(frozen=True)
class Scenario:
    """One message, shared call or slice of a campaign, and the answers that it meets.

    Attributes:
        kind: ``alone``, ``shared`` or ``campaign``.
        steps: what the first POSTs of each id meet; the later ones meet a gateway that is well.
        serves: share of the recipients that gets the text.
        tells: whether the gateway counts only those.
        ttl_s: seconds to live; None for no limit.
        cancels: whether the application tries to cancel it on the way.
    """

    kind: str
    steps: tuple[Step, ...] = field(default=())
    serves: float = 1.0
    tells: bool = True
    ttl_s: int | None = None
    cancels: bool = False

    def __str__(self) -> str:
        lines = [f"{self.kind}, serves {self.serves:g}, tells {self.tells}, ttl {self.ttl_s}"]
        lines[0] += ", cancelled on the way" if self.cancels else ""
        return "\n".join([*lines, *(f"  POST {n}: {step}" for n, step in enumerate(self.steps, 1))])

    def may_be_unknown(self, *, killed: bool) -> bool:
        """Whether nobody could tell what became of it, so that a person may have to decide.

        - An answer below 500 that proves nothing: of a code nobody knows, or one after which a duplicate may
          mean that the refused call used up its id. So may one after a refusal that is proof.
        - A gateway that counts fewer contacts than the call had, and does not say whom it left out.
        - A duplicate without a POST before it that is open: perhaps somebody else's message.
        - A refusal for good after an open POST, such as a killed worker leaves: it says nothing about that
          one. Nor does the end of its time to live.
        """
        if self.serves < 1 and self.tells:
            return True
        is_open, may_be_open, may_be_burnt = False, killed, False
        for step in self.steps:
            if step.answer == "said" and step.code in DUPLICATES:
                return not is_open or may_be_burnt
            if step.burns or (step.is_heard and not step.is_proof):
                return True
            if step.refuses_for_good:
                return may_be_open
            is_open = is_open or not step.is_proof
            may_be_open, may_be_burnt = may_be_open or is_open, may_be_burnt or step.may_burn
        return may_be_open and (may_be_burnt or self.ttl_s is not None)

    def may_be_unshown(self, *, killed: bool) -> bool:
        """Whether an accepted message may be missing on a handset, and nobody could tell.

        - Only the gateway knows whom it left out.
        - An id was used up by a no that its worker did not live to record: what is left is an open POST and
          a duplicate.
        """
        return self.serves < 1 or (killed and any(step.burns for step in self.steps))


def draw_scenario(rng: random.Random) -> Scenario:
    """Draw a scenario."""
    kind = rng.choice(("alone", "alone", "shared", "shared", "campaign"))
    steps: list[Step] = []
    for _ in range(rng.choice((1, 2, 2, 3))):
        steps.append(draw_step(rng, was_taken=any(step.taken for step in steps)))
    serves = rng.choice((1.0, 1.0, 1.0, 0.5)) if kind != "alone" else 1.0
    return Scenario(
        kind,
        tuple(steps),
        serves=serves,
        tells=rng.random() < 0.5,
        ttl_s=3 if rng.random() < 0.1 else None,
        cancels=rng.random() < 0.1,
    )


def smaller(scenario: Scenario) -> list[Scenario]:
    """Scenarios that differ by one thing less, the boldest first."""
    made = [
        Scenario(scenario.kind, scenario.steps[:n] + scenario.steps[n + 1 :], scenario.serves, scenario.tells)
        for n in range(len(scenario.steps))
        if len(scenario.steps) > 1
    ]
    plain = Scenario(scenario.kind, scenario.steps)
    alone = Scenario("alone", scenario.steps)
    return [each for each in (alone, plain, *made) if each != scenario]
