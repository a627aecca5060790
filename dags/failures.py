"""A run that has failed, told to people: which step, and what it said."""

from dags.alarms import alarm, kind_of
from dags.runner import Outcome, what_went_wrong

LINES = 5


def tell_failure(outcome: Outcome) -> None:
    """Tell people about each step of a run that failed; nothing where none did."""
    for step in outcome.steps:
        if step.status == "failed":
            said = "\n".join(what_went_wrong(step.log)[-LINES:])
            alarm(kind_of(step.name), f"{outcome.label}/{step.name}", said)
