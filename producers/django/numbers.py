"""Numbers as a project keeps them, so that it finds whom an event is about."""

from ..contract import phone
from .settings import producer_settings


def to_e164(number: str) -> str:
    """Normalise a number that a person has written, as messages do, by the ``DEFAULT_REGION`` of the project.

    Receipts, replies and opt-outs name people by the result: keep it in the place of what was typed.

    Args:
        number: international; or national, if there is a region.

    Returns:
        The number as ``"+33612345678"``.

    Raises:
        ValueError: it is none that can be texted; the text never holds the number.
        ConfigError: lists every wrong key of ``OCTOPUSH``.
    """
    return phone.to_e164(number, default_region=producer_settings().default_region)
