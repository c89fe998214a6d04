"""Errors of the application's side travel through copies and pickles; signatures show no environment."""

import copy
import importlib
import inspect
import pickle
import pkgutil
from collections.abc import Iterator
from decimal import Decimal

import pytest

import producers
from producers.errors import (
    CampaignCancelled,
    ConfigError,
    InvalidMessage,
    OverBudget,
    QueueRefused,
    QueueUnavailable,
    RequestIdConflict,
    WrongEventLoop,
    WrongPseudonymKeys,
)
from producers.webhooks import HeaderMissing

#: Those that are made from something else than their text.
MADE = {
    type(each): each
    for each in (
        InvalidMessage({"sender": "3 to 11 letters and digits"}, 2),
        RequestIdConflict(["a", "b"]),
        CampaignCancelled("spring"),
        OverBudget("campaign:spring", Decimal("1.50"), Decimal(2)),
        QueueUnavailable(["a"], "ConnectionError", "spring", "redis://localhost:6379/0"),
        QueueRefused(["a"], "this user or password", "spring", "redis://localhost:6379/0"),
        WrongEventLoop("AsyncProducer"),
        ConfigError({"REDIS_URL": "is wrong", "PORT": "is required"}),
        WrongPseudonymKeys(configured=True),
        HeaderMissing("webhook-id"),
    )
}


def modules() -> Iterator[object]:
    for found in pkgutil.walk_packages(producers.__path__, "producers."):
        if not found.name.startswith("producers.django"):  # needs a project, and has no error of its own
            yield importlib.import_module(found.name)


def kinds() -> list[type[Exception]]:
    """List every error that is declared in `producers`."""
    found = {
        kind
        for module in modules()
        for kind in vars(module).values()
        if isinstance(kind, type) and issubclass(kind, Exception) and kind.__module__.startswith("producers")
    }
    return sorted(found, key=lambda kind: kind.__qualname__)


@pytest.mark.parametrize("kind", kinds(), ids=lambda kind: kind.__name__)
@pytest.mark.parametrize(
    "sent",
    [copy.copy, copy.deepcopy, *(lambda e, p=p: pickle.loads(pickle.dumps(e, p)) for p in range(2, 6))],
    ids=["copy", "deepcopy", "pickle-2", "pickle-3", "pickle-4", "pickle-5"],
)
def test_an_error_comes_back_from_a_copy_and_a_pickle_as_it_was(kind, sent):
    error = MADE.get(kind) or kind("some words")
    error.add_note("seen in a job")

    back = sent(error)

    assert type(back) is kind
    assert (str(back), back.args, vars(back)) == (str(error), error.args, vars(error))


def test_one_wrong_setting_is_said_in_one_line():
    assert str(ConfigError({"PORT": "is required"})) == "wrong or missing settings: PORT: is required"
    assert str(ConfigError({"A": "b", "C": "d"})) == "wrong or missing settings:\n  A: b\n  C: d"


def test_no_signature_shows_the_environment():
    shown = []
    for module in modules():
        for each in vars(module).values():
            if isinstance(each, type) and each.__module__.startswith("producers"):
                methods = [getattr(each, name) for name in vars(each)]
                shown += [inspect.signature(method) for method in methods if inspect.isfunction(method)]
                shown += [inspect.signature(method) for method in methods if inspect.ismethod(method)]
            elif inspect.isfunction(each):
                shown.append(inspect.signature(each))

    assert len(shown) > 100
    assert not [str(each) for each in shown if "environ(" in str(each)]
