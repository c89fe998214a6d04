"""Running a model of many steps, the same way each time: a run that fails is repeated by its name alone."""

from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import RuleBasedStateMachine, run_state_machine_as_test


def run_model(machine: type[RuleBasedStateMachine], *, examples: int, steps: int) -> None:
    """Run a model; nothing is made smaller, for each step asks a server."""
    chosen = settings(
        max_examples=examples,
        stateful_step_count=steps,
        deadline=None,
        derandomize=True,
        phases=[Phase.generate],
        suppress_health_check=[*HealthCheck],
    )
    run_state_machine_as_test(machine, settings=chosen)
