"""What a night does about sources that have not delivered: wait, stop, or go on without them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from ingest.core.contract import Source
from ingest.core.errors import Problem
from ingest.core.lake import Lake
from ingest.core.log import step_log
from ingest.deliveries import control_files

LOG = step_log("open")


@dataclass(frozen=True)
class Awaited:
    """A source that has not delivered, and whose deadline has not passed; `until` with its zone."""

    source: Source
    until: datetime

    @property
    def until_text(self) -> str:
        """Its deadline as people read it."""
        return f"{self.until:%Y-%m-%d %H:%M %Z}"


def awaited(
    lake: Lake, sources: Sequence[Source], business_date: date, at: datetime | None
) -> list[Awaited]:
    """The sources for whose delivery of the business date a night waits; parameters as of
    `check_deliveries`.
    """
    found = []
    for source in sources:
        deadline = datetime.combine(
            business_date + timedelta(days=1), source.deadline, ZoneInfo(source.time_zone)
        )
        is_waiting = source.policy != "note" and at is not None and at < deadline
        if is_waiting and not _has_delivered(lake, source, business_date):
            found.append(Awaited(source, deadline))
    return found


def check_deliveries(
    lake: Lake, sources: Sequence[Source], business_date: date, at: datetime | None
) -> None:
    """Problem if a delivery of the business date is not there and the night cannot go on yet.

    `at` is the time of asking, with its zone; None takes every deadline as passed. Before its
    deadline a source is waited for; after it its policy says whether the night goes on without it.
    One on which no figure depends (`note`) is never waited for.
    """
    for waiting in awaited(lake, sources, business_date, at):
        raise Problem(
            f"{_missing(lake, waiting.source, business_date)}; waiting until {waiting.until_text}, "
            "try again"
        )
    late = [source for source in sources if not _has_delivered(lake, source, business_date)]
    if len(late) == len(sources):
        raise Problem(
            f"no source has delivered anything for {business_date}; check the date, put "
            f"deliveries into {lake.root / 'landing'}, or make some with `python -m ingest demo`"
        )
    for source in late:
        missing = _missing(lake, source, business_date)
        if source.policy == "block":
            raise Problem(
                f"{missing}, and its contract lets no night go on without it; put the delivery "
                "there, or set its lateness policy to provisional"
            )
        is_noted = source.policy == "note"
        effect = "no figure depends on it" if is_noted else "its figures are provisional"
        LOG.warning("%s; the night goes on, %s", missing, effect)


def _has_delivered(lake: Lake, source: Source, business_date: date) -> bool:
    folder = lake.landing(source.name, business_date)
    return any(day == business_date for day, _, _ in control_files(source, folder))


def _missing(lake: Lake, source: Source, business_date: date) -> str:
    folder = lake.landing(source.name, business_date)
    return f"no delivery of {source.name} for {business_date} in {folder}"
