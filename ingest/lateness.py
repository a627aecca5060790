"""What a night does about sources that have not delivered: wait, stop, or go on without them."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from ingest.core.contract import Source
from ingest.core.errors import Problem
from ingest.core.lake import Lake
from ingest.core.log import step_log
from ingest.deliveries import control_files

LOG = step_log("open")


def check_deliveries(
    lake: Lake, sources: Sequence[Source], business_date: date, at: datetime | None
) -> None:
    """Problem if a delivery of the business date is not there and the night cannot go on yet.

    `at` is the time of asking, with its zone; None takes every deadline as passed. Before its
    deadline a source is waited for; after it its policy says whether the night goes on without it.
    One on which no figure depends (`note`) is never waited for.
    """
    late = [source for source in sources if not _has_delivered(lake, source, business_date)]
    for source in late:
        if source.policy == "note":
            continue
        deadline = datetime.combine(
            business_date + timedelta(days=1), source.deadline, ZoneInfo(source.time_zone)
        )
        if at is not None and at < deadline:
            raise Problem(
                f"{_missing(lake, source, business_date)}; waiting until "
                f"{deadline:%Y-%m-%d %H:%M %Z}, try again"
            )
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
