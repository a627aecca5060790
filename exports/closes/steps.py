"""The steps by which people close a month, one file a step, never changed.

    open → provisional → frozen → reviewed → confirmed → closed
                            ↑                               │ reopen (one person, with a reason)
                            └─ reopened ← reopening ←───────┘ approve (another person), or decline

A file names the state that its step leads to and the digest of the file before it, so that nobody
can change or take away a step unseen.
"""

import hashlib
import json
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import Any

from ingest.core.errors import Problem
from ingest.core.lake import Lake, write_new

OPEN, PROVISIONAL, FROZEN, REVIEWED = "open", "provisional", "frozen", "reviewed"
CONFIRMED, CLOSED, REOPENING, REOPENED = "confirmed", "closed", "reopening", "reopened"
STATES = {
    OPEN: "未开始",
    PROVISIONAL: "草稿",
    FROZEN: "已冻结",
    REVIEWED: "已复核",
    CONFIRMED: "已确认",
    CLOSED: "已关账",
    REOPENING: "待批准重开",
    REOPENED: "已重开",
}
FREEZE, REVIEW, CONFIRM, CLOSE = "freeze", "review", "confirm", "close"
REOPEN, APPROVE, DECLINE = "reopen", "approve", "decline"
STEPS = {  # step: the states in which it can be taken
    FREEZE: (OPEN, REOPENED),
    REVIEW: (FROZEN,),
    CONFIRM: (REVIEWED,),
    CLOSE: (CONFIRMED,),
    REOPEN: (CLOSED,),
    APPROVE: (REOPENING,),
    DECLINE: (REOPENING,),
}
COMMAND = "python -m exports close"


@dataclass(frozen=True)
class Step:
    """One step. Dates are business dates: `on_date` of the publication that was looked at,
    `through_date` the last night whose lines count for the version (of freeze only).

    `party` has confirmed; None if the finance approver confirmed for all.
    """

    period: str
    version: int
    step: str
    state: str
    by: str
    on_date: date
    publication: str
    why: str = ""
    party: str | None = None
    through_date: date | None = None
    totals_sha256: str | None = None
    previous_sha256: str | None = None


@dataclass(frozen=True)
class History:
    """The steps of one month, oldest first."""

    period: str
    steps: tuple[Step, ...] = ()
    last_sha256: str | None = None

    @property
    def state(self) -> str:
        """Where the month stands; OPEN before the first step."""
        return self.steps[-1].state if self.steps else OPEN

    @property
    def version(self) -> int:
        """The version that is worked on, or that is closed."""
        return 1 + sum(step.step == APPROVE for step in self.steps)

    @property
    def is_frozen(self) -> bool:
        """True from the freeze of the version on."""
        return self.state not in (OPEN, REOPENED)

    def last(self, name: str, version: int | None = None) -> Step | None:
        """The latest step of a name on a version, by default the current one."""
        version = version or self.version
        found = [step for step in self.steps if (step.step, step.version) == (name, version)]
        return found[-1] if found else None

    def confirmations(self) -> tuple[Step, ...]:
        """Who confirmed the current version."""
        return tuple(
            step for step in self.steps if (step.step, step.version) == (CONFIRM, self.version)
        )


def read_history(lake: Lake, period: str) -> History:
    """The steps of a month; Problem if a file is damaged, missing or was changed."""
    steps: list[Step] = []
    last: str | None = None
    for number, path in enumerate(sorted(_folder(lake, period).glob("*.json")), 1):
        try:
            content = path.read_bytes()
            entry: dict[str, Any] = json.loads(content)
            for name in ("on_date", "through_date"):
                entry[name] = date.fromisoformat(entry[name]) if entry[name] else None
            step = Step(**entry)
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise Problem(f"{path} is no step of a close; restore it from a backup") from error
        if path.name != _name(number) or step.previous_sha256 != last:
            raise Problem(
                f"{path} does not follow the step before it: a step was changed or taken away; "
                f"restore {path.parent} from a backup"
            )
        steps.append(step)
        last = hashlib.sha256(content).hexdigest()
    return History(period, tuple(steps), last)


def periods_with_steps(lake: Lake) -> list[str]:
    """The months of which somebody has taken a step, in order."""
    return sorted(path.name for path in lake.close_steps.glob("*/"))


def add_step(lake: Lake, history: History, step: Step) -> History:
    """Write a step down after those of `history`; Problem if somebody was faster."""
    path = _folder(lake, history.period) / _name(len(history.steps) + 1)
    entry = {**asdict(step), "previous_sha256": history.last_sha256}
    document = json.dumps(entry, ensure_ascii=False, indent=2, default=str) + "\n"
    if not write_new(path, document.encode()):
        raise Problem(
            f"somebody else took a step on {history.period} meanwhile; look at it first: "
            f"{COMMAND} status --period {history.period}"
        )
    return read_history(lake, history.period)


def recall_step(lake: Lake, original: Lake, period: str, number: int) -> None:
    """Write down a step of another lake, byte for byte; Problem if something else lies there."""
    content = (_folder(original, period) / _name(number)).read_bytes()
    path = _folder(lake, period) / _name(number)
    if not write_new(path, content) and path.read_bytes() != content:
        raise Problem(f"{path} is another step than that of {original.root}; start with no lake")


def next_command(history: History) -> str:
    """What can be done next, as a command."""
    step = {
        OPEN: FREEZE,
        FROZEN: REVIEW,
        REVIEWED: CONFIRM,
        CONFIRMED: CLOSE,
        CLOSED: REOPEN,
        REOPENING: APPROVE,
        REOPENED: FREEZE,
    }[history.state]
    why = " --why WHY" if step == REOPEN else ""
    return f"{COMMAND} {step} --period {history.period} --by WHO{why}"


def check_step(history: History, step: str) -> None:
    """Problem unless a step can be taken now."""
    if history.state in STEPS[step]:
        return
    raise Problem(
        f"{history.period} v{history.version} is {history.state}, so {step} is not possible; "
        f"next would be {next_command(history)}"
    )


def _folder(lake: Lake, period: str) -> Path:
    return lake.close_steps / period


def _name(number: int) -> str:
    return f"{number:04d}.json"
