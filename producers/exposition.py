"""The lines of the page of metrics, in the text exposition format of Prometheus. Pure."""

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from .contract.forwarder_figures import ForwarderFigures
from .contract.heartbeats import Rules
from .contract.money_figures import MoneyFigures, money_samples
from .contract.optout_figures import KEPT, OptoutFigures

#: Prometheus text exposition format.
CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"

Sample = tuple[str, float]


def held_lines(held: Mapping[str, int], rules: Mapping[Rules, int]) -> list[str]:
    """Write what is held by reason, and by which hours of marketing the workers go."""
    reasons = [(f'{{reason="{reason}"}}', count) for reason, count in held.items()]
    shown = [
        (f'{{version="{each.version}",tzdata="{each.tzdata}",fingerprint="{each.fingerprint}"}}', count)
        for each, count in sorted(rules.items())
    ]
    return [
        *metric("held", "gauge", "Sends that are held until a time.", reasons),
        *metric(
            "hours_rules_info",
            "gauge",
            "Worker processes by their hours of marketing; more than one line is a mistake.",
            shown,
        ),
    ]


def forwarder_lines(forwarders: Sequence[ForwarderFigures]) -> list[str]:
    """Write nothing where no forwarder ever ran."""
    if not forwarders:
        return []

    def each(name: str, about: str, read: Callable[[ForwarderFigures], int]) -> list[str]:
        samples = [(f'{{forwarder="{forwarder.name}"}}', read(forwarder)) for forwarder in forwarders]
        return metric(name, "gauge", about, samples)

    tried = [
        (f'{{forwarder="{forwarder.name}",result="{result}"}}', count)
        for forwarder in forwarders
        for result, count in forwarder.tried.items()
    ]
    return [
        *each("forward_waiting", "Events that are not delivered yet.", lambda each: each.waiting),
        *each(
            "forward_oldest_seconds",
            "For how long the oldest of them has waited; 0 if none waits.",
            lambda each: each.oldest_s,
        ),
        *each("forward_dead", "Dead letters that are kept.", lambda each: each.dead),
        *each(
            "forward_held",
            "1 while a forwarder delivers nothing, or nothing but probes: it is paused or held.",
            lambda each: int(each.is_held),
        ),
        *each(
            "forward_silent_seconds",
            "Seconds since one of its processes was heard.",
            lambda each: each.silent_s,
        ),
        *metric("forward_tried_total", "counter", "Attempts to deliver, by what they came to.", tried),
    ]


def optout_lines(found: OptoutFigures) -> list[str]:
    """Write whom opt-outs kept from an SMS, and how soon they took effect."""
    kept = [
        (f'{{reason="{reason}",point="{point}"}}', count)
        for (point, reason), count in zip(KEPT, found.kept, strict=True)
    ]
    effects = found.effects
    soon = [(f'_bucket{{le="{ms / 1000:g}"}}', count) for ms, count in effects.within.items()]
    total = [('_bucket{le="+Inf"}', effects.count), ("_sum", effects.sum_s), ("_count", effects.count)]
    return [
        *metric("suppressed_total", "counter", "Recipients whom an opt-out kept from an SMS.", kept),
        *metric(
            "optout_race_total",
            "counter",
            "Sends in doubt that went on to several, one of whom had opted out.",
            [("", found.race)],
        ),
        *metric(
            "optout_effective_seconds",
            "histogram",
            "From our answer to the callback until the opt-out counted.",
            [*soon, *total],
        ),
    ]


def money_lines(figures: MoneyFigures) -> list[str]:
    """Write what was spent today, and what is reserved."""
    lines = []
    for name, (kind, about, value) in money_samples(figures).items():
        plain, brace, labels = name.partition("{")
        lines += metric(plain, kind, about, [(brace + labels, value)])
    return lines


def metric(name: str, kind: str, about: str, samples: Sequence[Sample]) -> list[str]:
    """Write one metric.

    Args:
        name: without the prefix ``octopush_``.
        kind: ``gauge``, ``counter`` or ``histogram``.
        about: what it measures.
        samples: labels and values.
    """
    name = f"octopush_{name}"
    return [
        f"# HELP {name} {about}",
        f"# TYPE {name} {kind}",
        *(f"{name}{labels} {value}" for labels, value in samples),
    ]
