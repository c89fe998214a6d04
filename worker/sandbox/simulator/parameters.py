"""The account's parameters: alerts, default senders, and where callbacks go (``user/campaign-parameters``).

Names, nesting, methods and paths are documented. Not documented are the answer to a change, which here is
what the account then has, and what becomes of a value that will not do: by Octopush's rule of tolerance it is
cast or left out, and the rest of the call has its effect. The callback engine posts to these very URLs.
"""

from collections.abc import Mapping
from typing import Any, Final

from worker.sandbox.simulator.casting import as_text
from worker.sandbox.simulator.settings import SimulatorSettings

_DELIVERIES: Final = "callback_url_for_deliveries"
#: What an older page calls the URL of receipts.
_OLDER: Final = "callback_url_for_sms_deliveries"
#: Names of the URLs that this simulator posts to, with the switch that holds each.
_POSTED: Final = {
    _DELIVERIES: "callback_url_receipts",
    "callback_url_for_blacklisted_numbers": "callback_url_optouts",
    "callback_url_for_inbounds": "callback_url_replies",
}
#: The other parameters, by group: kept and told, without any effect here.
_KEPT: Final = {
    "sms_campaign_alert_parameters": {
        "alert_type": "sms_premium",
        "alert_bound": "100",
        "alert_email_to": "",
        "alert_phone_number_to": "",
    },
    "campaign_parameters": {
        "sender_for_sms_premium": "",
        "sender_for_voice_sms": "",
        "phone_number_for_test_sms": "",
    },
    "callbacks": {"callback_url_for_visits": "", "email_for_inbounds": ""},
}


class CampaignParameters:
    """What the account has set, shared by all its logins.

    Args:
        settings: hold the URLs of callbacks.
    """

    def __init__(self, settings: SimulatorSettings) -> None:
        self._settings = settings
        self._kept: dict[str, dict[str, str]] = {}
        self.reset()

    def reset(self) -> None:
        """Return to the state at start."""
        self._kept = {group: dict(names) for group, names in _KEPT.items()}

    def body(self) -> dict[str, dict[str, str]]:
        """Tell all parameters, in their groups."""
        urls = {
            self._spelt(name): getattr(self._settings, switch) or self._settings.callback_url
            for name, switch in _POSTED.items()
        }
        kept = {group: dict(names) for group, names in self._kept.items()}
        return {**kept, "callbacks": {**urls, **kept["callbacks"]}}

    def change(self, fields: Mapping[str, Any]) -> None:
        """Take what can be understood of a change; the rest has no effect."""
        for group, known in self._kept.items():
            given = fields.get(group)
            for name, value in (given if isinstance(given, dict) else {}).items():
                text = as_text(value)
                if text is not None and name in known:
                    known[name] = text
                elif text is not None and group == "callbacks":
                    self._redirect(name, text)

    def _redirect(self, name: str, url: str) -> None:
        """Let the callbacks of a kind go elsewhere; what is no address that fits is left out."""
        switch = next((switch for each, switch in _POSTED.items() if self._spelt(each) == name), None)
        fits = len(url) <= self._settings.callback_url_max_chars
        if switch and fits and (not url or url.startswith(("http://", "https://"))):
            setattr(self._settings, switch, url)

    def _spelt(self, name: str) -> str:
        return _OLDER if name == _DELIVERIES and self._settings.older_parameter_names else name
