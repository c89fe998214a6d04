"""Every switch of the simulator, with its default.

All of them can be changed while the simulator runs (``PATCH /settings`` on the admin port), named on the
command line (``--set name=value``) or passed to `SimulatorSettings`. Nothing else in the package holds a
default of its own.
"""

from typing import Annotated, Any, Literal

import msgspec

from worker.sandbox.simulator.fates import Fate

#: Forms of a callback's ``message_id``; in a reply that nobody can place it is absent, empty or null.
MessageIdForm = Literal["present", "absent", "empty", "null"]


class CallbackSettings(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Where callbacks go, and which of the forms that were seen they take.

    Octopush documents the fields of each kind, POST, and a limit of about one second. Order, repetition,
    retries and Content-Type are undocumented, so there is a switch for each.
    """

    #: URL for all kinds that have no URL of their own. A kind without any URL is off.
    callback_url: str = ""
    callback_url_replies: str = ""
    callback_url_receipts: str = ""
    callback_url_optouts: str = ""
    #: Time the receiver has to answer, in milliseconds (documented: about one second).
    callback_timeout_ms: int = 1000
    #: Callbacks under way at the same time; the others wait, replies and opt-outs before receipts.
    callback_parallel: int = 32
    #: Repeats after a failure (non-2xx, too slow, unreachable); the wait doubles each time.
    callback_retries: int = 0
    callback_retry_backoff_ms: int = 500
    #: A URL with this many violations is switched off; 0: never.
    callback_off_after_violations: int = 0
    #: Longest URL that a change of the account's parameters sets; a longer one is left out (assumed).
    callback_url_max_chars: int = 255
    #: The URL of receipts has the name that an older page gives it.
    older_parameter_names: bool = False
    #: Times every callback of any kind is posted.
    callback_copies: int = 1
    #: Share of callbacks of any kind that are never posted, 0 to 1, drawn from the seeded generator.
    callback_loss_probability: float = 0.0
    #: ``mixed``: receipts as forms, all others as JSON, as a live account was seen to send them in 2026.
    callback_format: Literal["json", "form", "mixed"] = "json"
    #: ``metadata``: number and ``message_id`` of a reply under that name, as the same account sent them.
    inbound_layout: Literal["flat", "metadata"] = "flat"
    #: ``default`` fits the format, empty sends no such header, anything else is sent as it is.
    callback_content_type: str = "default"
    #: 0: one event per call. N: a JSON array of up to N events gathered for `callback_array_wait_ms`.
    callback_array: int = 0
    callback_array_wait_ms: int = 20
    callback_meta_data: Literal["absent", "object", "array"] = "object"
    callback_number_format: Literal["e164", "no_plus", "00", "national"] = "e164"
    callback_message_id: MessageIdForm = "present"
    reply_date_field: Literal["reception_date", "answer_date"] = "reception_date"
    #: Whose clock the dates of callbacks show; no page names it.
    callback_zone: Literal["Europe/Paris", "UTC"] = "Europe/Paris"
    #: True: ``DELIVERY_DATE``, as one documentation page prints it.
    receipt_date_in_capitals: bool = False
    #: A STOP also arrives as an ordinary reply.
    stop_also_inbound: bool = False
    #: Receipts of a message that no fate rule matches.
    receipts: Fate = msgspec.field(default_factory=Fate)


class SimulatorSettings(CallbackSettings, kw_only=True, forbid_unknown_fields=True):
    """The whole simulated account and gateway.

    Amounts are euros, durations carry their unit in the name, instants are on the simulator's own clock.
    """

    #: Seeds tickets, probabilities and losses: same seed, same calls, same results.
    seed: int = 1

    #: Redis of the sandbox, which the phone page's snippet names; the simulator connects to none.
    redis_url: str = ""
    api_login: str = "sandbox@example.com"
    api_key: str = "sandbox-key"
    #: Further logins of the same account (login to key); they share balance and blacklist.
    sub_accounts: dict[str, str] = {}
    #: Credit at start and after a reset; ``PUT /balance`` changes it while running.
    balance: float = 1000.0
    price_per_segment: float = 0.05
    #: Added per segment of a message sent ``with_replies`` (one page quotes about 0.03 a message).
    reply_surcharge: float = 0.03
    #: Charged per accepted call carrying the blacklist flag (documented).
    blacklist_removal_fee: float = 0.01
    #: HTTP status of a refusal for lack of credit (code 104).
    low_balance_status: Literal[400, 402] = 400

    #: Status of an accepted send: 201 is documented, 200 was seen in code.
    success_status: Literal[200, 201] = 201
    #: ``"121"`` instead of ``121`` in every error body.
    codes_as_strings: bool = False
    #: Time before the answer to any send, in milliseconds.
    latency_ms: int = 0

    #: Code of a duplicate request_id: 120 is in the published table, 182 was seen in a recent client, and any
    #: other may turn up.
    duplicate_code: int = 120
    #: HTTP status of a duplicate (undocumented).
    duplicate_status: Annotated[int, msgspec.Meta(ge=400, le=599)] = 400
    #: Life of a request_id (documented: 24 hours).
    request_id_memory_s: float = 86_400.0
    #: Whether a refused call uses up its request_id (undocumented). A call that a fault leaves unprocessed
    #: and answers with any status below 500 counts as refused.
    refusals_burn_request_id: bool = False
    #: Codes whose refusals use up a request_id although others do not.
    burning_codes: list[int] = []
    #: ``login``: each sub-account has its own memory.
    request_id_scope: Literal["account", "login"] = "account"
    #: What a second call with the same request_id gets while the first is being processed.
    concurrent_duplicate: Literal["refuse", "wait"] = "refuse"
    #: Time between remembering a request_id and sending the messages, in milliseconds.
    processing_ms: int = 0

    max_recipients: int = 500
    #: Characters after the placeholders are filled in (documented).
    max_text_chars: int = 1224
    #: 0: no limit beside `max_text_chars`.
    max_segments: int = 0
    #: Count ``& $ @`` and line ends twice, as Octopush's special-characters page does.
    octopush_double_counting: bool = False
    #: Septets of a part of a longer text: 153 in the user manual, 137 on an older page.
    gsm7_part: Annotated[int, msgspec.Meta(ge=2)] = 153
    #: 16-bit units of a part of a longer text: 67 in the user manual, 63 and 70 on other pages.
    ucs2_part: Annotated[int, msgspec.Meta(ge=2)] = 67
    #: ``refuse``: one bad number refuses the call. ``partial``: it is dropped and the count lowered.
    #: ``partial_uncounted``: it is dropped, and the count is that of the call.
    bad_numbers: Literal["refuse", "partial", "partial_uncounted"] = "refuse"
    #: Code of a call that is refused for one of its numbers: 181 was seen in a recent client, 103 as well.
    bad_number_code: int = 181
    #: Whether a sender may have a space in it (documentation pages disagree).
    sender_allows_space: bool = False
    #: Stands in for an absent sender (an account setting at Octopush).
    default_sender: str = "Octopush"
    #: Sender that a handset sees, and answers to, when the message was sent ``with_replies``.
    short_number: str = "12345"
    #: Whether the fake result of ``simulation_mode`` carries a ticket.
    simulation_has_ticket: bool = True
    #: Whether a call in ``simulation_mode`` uses up its request_id (undocumented).
    simulation_burns_request_id: bool = False
    #: Whether receipts come for it (undocumented); without a ticket none do.
    simulation_fires_receipts: bool = False

    #: Mention that a ``wholesale`` premium text to France must contain, in the same case; empty: not checked.
    stop_mention: str = "STOP au 30101"
    #: The same for ``sms_low_cost`` (code 122, legacy table); empty: not checked.
    low_cost_mention: str = ""
    #: What happens to ``wholesale`` messages to France outside the hours below (undocumented).
    marketing_hours: Literal["off", "hold", "reject"] = "off"
    #: Hours of the day in Paris between which marketing may leave; never on Sundays or public holidays.
    marketing_from_hour: int = 8
    marketing_until_hour: int = 20
    #: Code of a rejection by hour; none is documented.
    marketing_reject_code: int = 125

    #: Sends per second before a 429; 0: no limit.
    rate_limit_per_s: float = 0.0
    rate_limit_burst: int = 1
    rate_limit_retry_after: Literal["none", "seconds", "date"] = "seconds"
    #: Sends under way at once before the next is refused; 0: no limit.
    max_parallel: int = 0
    parallel_status: int = 429
    parallel_code: int = 127

    #: Idle seconds after which the gateway closes a connection.
    keep_alive_s: int = 60
    #: Every connection is cut when its second request arrives, before that request is read.
    on_reuse: Literal["keep", "close", "reset"] = "keep"


def patch_settings(settings: SimulatorSettings, patch: dict[str, Any]) -> None:
    """Change some switches in place.

    Args:
        settings: What to change; every part of the simulator reads the same object.
        patch: Names and new values; ``receipts`` may be given in part.

    Raises:
        msgspec.ValidationError: A name is unknown or a value does not fit. Nothing was changed.
    """
    merged = msgspec.to_builtins(settings)
    for name, value in patch.items():
        if isinstance(value, dict) and name == "receipts":
            merged[name] = merged[name] | value
        else:
            merged[name] = value
    checked = msgspec.convert(merged, SimulatorSettings)
    for name in SimulatorSettings.__struct_fields__:
        setattr(settings, name, getattr(checked, name))
