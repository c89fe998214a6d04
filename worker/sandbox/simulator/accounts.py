"""The simulated customer: who may call, how much credit is left, which numbers opted out."""

import hmac
from collections.abc import Mapping
from decimal import Decimal

from worker.sandbox.simulator.refusals import Refusal, refuse
from worker.sandbox.simulator.settings import SimulatorSettings


class Account:
    """Credit and blacklist of one account, shared by all its logins.

    Money is kept in decimals, so that thousands of charges add up exactly.
    """

    def __init__(self, settings: SimulatorSettings) -> None:
        self._settings = settings
        self._balance = Decimal(0)
        self.blacklist: set[str] = set()
        self.reset()

    @property
    def balance(self) -> float:
        """Credit left, in euros."""
        return float(self._balance)

    @balance.setter
    def balance(self, euros: float) -> None:
        self._balance = Decimal(str(euros))

    def reset(self) -> None:
        """Restore the credit of the settings and empty the blacklist."""
        self.balance = self._settings.balance
        self.blacklist.clear()

    def can_pay(self, cost: Decimal) -> bool:
        """Tell whether the credit covers a cost."""
        return self._balance >= cost

    def charge(self, cost: Decimal) -> None:
        """Take a cost from the credit; a negative cost is given back."""
        self._balance -= cost


def authenticate(headers: Mapping[str, str], settings: SimulatorSettings) -> str | Refusal:
    """Check ``api-login`` and ``api-key`` (documented headers; the 401 and its codes are assumed).

    Returns:
        The login, or why it is refused.
    """
    login = headers.get("api-login", "")
    key = headers.get("api-key", "")
    if not login:
        return refuse(108, status=401)
    if not key:
        return refuse(109, status=401)
    known = {settings.api_login: settings.api_key, **settings.sub_accounts}
    if not hmac.compare_digest(known.get(login, "").encode(), key.encode()):
        return refuse(101, status=401)
    return login
