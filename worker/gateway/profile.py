"""What a pilot has settled about an account's gateway, in a file that ``GATEWAY_PROFILE`` names.

A value stands here only if a worker goes by it, and only if a wrong one lets nobody be texted twice:

- ``duplicate_codes``: what else means a duplicate, and which of 120 and 182 does not. A duplicate never leads
  to another POST under another id. If it is wrong, a message in doubt is repeated under its own id until its
  window closes and ends as ``unknown``; or, if the code means something else, a message in doubt is called
  accepted that nobody got.
- ``refusals_keep_ids``: a duplicate still proves acceptance of a POST in doubt after a proven refusal. If it
  is wrong, a message that was refused, then in doubt, then called a duplicate is called accepted although
  nobody got it.

A profile is of one account: what holds for it may be wrong of another.
"""

import hashlib
import hmac
import secrets
from pathlib import Path
from typing import Any, Final

import msgspec

from producers.errors import ConfigError
from worker.gateway.codes import CODES, CodeClass

#: The one version that there is.
VERSION: Final = 1
#: Bytes that a profile may have; real ones have a hundred.
_MAX_BYTES: Final = 4096
#: Codes that the gateway has; what is beyond is a slip.
_CODE_MAX: Final = 99_999
#: Rounds by which a login is hidden in a file that others may read: whoever guesses it pays for each guess.
_ROUNDS: Final = 50_000


class GatewayProfile(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What is known of one account's gateway. Without any value it says nothing, and workers are as careful.

    Attributes:
        v: version of the file.
        duplicate_codes: all codes that mean a duplicate; empty: those of the table.
        refusals_keep_ids: a call that was surely refused does not use up its request_id.
        account: whose it is, as `account_of` names it; empty in a file that a person has written.
    """

    v: int = msgspec.field(default=0)
    duplicate_codes: tuple[int, ...] = ()
    refusals_keep_ids: bool = False
    account: str = ""

    def is_duplicate(self, code: int, status: int) -> bool:
        """Say whether an answer calls the request_id a duplicate.

        A code that is in no table counts only with a status from 400 to 499: any other tells of trouble on
        the way, whatever its body says.
        """
        known = CODES[code].kind if code in CODES else None
        if not self.duplicate_codes:
            return known is CodeClass.DUPLICATE
        return code in self.duplicate_codes and (known is not None or 400 <= status < 500)

    @property
    def is_empty(self) -> bool:
        """Whether it says nothing."""
        return not (self.duplicate_codes or self.refusals_keep_ids)


#: Nothing is known.
UNSETTLED: Final = GatewayProfile()


def may_be_duplicate(code: int) -> bool:
    """Say whether a profile may call a code that of a duplicate: no other meaning of it is known."""
    known = CODES[code].kind if code in CODES else None
    return 0 < code <= _CODE_MAX and known in (None, CodeClass.DUPLICATE)


def account_of(login: str, salt: str = "") -> str:
    """Name an account without its login: a salt, and what it makes of the login; spelled in any capitals."""
    salt = salt or secrets.token_hex(8)
    hidden = hashlib.pbkdf2_hmac("sha256", login.strip().lower().encode(), salt.encode(), _ROUNDS)
    return f"{salt}:{hidden[:16].hex()}"


def is_account(account: str, login: str) -> bool:
    """Say whether a name that `account_of` made is that of a login."""
    salt, _, hidden = account.partition(":")
    return bool(salt and hidden) and hmac.compare_digest(account.encode(), account_of(login, salt).encode())


def read_profile(path: str, login: str) -> GatewayProfile:
    """Read the profile that a setting names; an empty name is no profile.

    Args:
        path: of the file.
        login: of the account that is going by it.

    Raises:
        ConfigError: there is no such file, it is damaged or of another account, or a newer version wrote it.
    """
    if not path:
        return UNSETTLED
    try:
        return _decoded(_content(path), login)
    except ValueError as error:
        raise ConfigError({"GATEWAY_PROFILE": str(error)}) from None


def written(profile: GatewayProfile) -> bytes:
    """Write a profile as the file that `read_profile` reads."""
    return msgspec.json.format(msgspec.json.encode(msgspec.structs.replace(profile, v=VERSION))) + b"\n"


def _content(path: str) -> bytes:
    try:
        with Path(path).open("rb") as file:
            content = file.read(_MAX_BYTES + 1)
    except OSError as error:
        raise ValueError(f"cannot be read ({type(error).__name__})") from None
    if len(content) > _MAX_BYTES:
        raise ValueError("is no profile: too long")
    return content


def _decoded(content: bytes, login: str) -> GatewayProfile:
    try:
        fields: dict[str, Any] = msgspec.json.decode(content, type=dict[str, Any])
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise ValueError("is damaged: octopush-worker pilot writes it anew") from None
    version = fields.get("v")
    if type(version) is int and version > VERSION:
        raise ValueError(f"is of version {version}: a newer octopush-worker has written it")
    try:
        profile = msgspec.convert(fields, GatewayProfile)
    except msgspec.ValidationError:
        raise ValueError("is damaged: octopush-worker pilot writes it anew") from None
    if version != VERSION or not all(map(may_be_duplicate, profile.duplicate_codes)):
        raise ValueError("is damaged: octopush-worker pilot writes it anew")
    if profile.account and not is_account(profile.account, login):
        raise ValueError("is of another account than OCTOPUSH_API_LOGIN: each needs a pilot of its own")
    return profile
