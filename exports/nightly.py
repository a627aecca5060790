"""The export step: everything that a published night hands out, into the outbox."""

from datetime import date
from pathlib import Path

from exports.artifacts import keep_artifacts
from exports.audiences import write_audiences
from exports.catalogue import read_catalogue
from exports.feeds import write_feeds
from exports.metrics import write_metrics
from exports.published import open_current
from exports.report import write_report
from exports.statements.pack import is_frozen, write_drafts, write_pack
from ingest.core.errors import Problem
from ingest.core.lake import Lake, remove
from ingest.core.log import step_log
from ingest.core.settings import Settings


def export(settings: Settings, business_date: date) -> tuple[Path, ...]:
    """Write statements, audiences, feeds and run report of a published night, and keep its
    metrics and what dbt said; return the folders of the outbox.

    The month's statements are drafts until it is frozen. Doing it again gives the same bytes.
    Raises Problem if another date is published or the figures do not foot.
    """
    lake = Lake(settings.lake)
    log = step_log("export")
    catalogue = read_catalogue()
    period = f"{business_date:%Y-%m}"
    with open_current(settings) as (publication, connection):
        if publication.business_date != business_date:
            raise Problem(
                f"the published version is of {publication.business_date}, not {business_date}; "
                f"publish {business_date} first or export {publication.business_date}"
            )
        statements = write_drafts(lake, publication, connection, catalogue)
        if is_frozen(lake, period):
            statements += write_pack(settings, period)
        log.info("export: %d statements of open months and of %s", len(statements), period)
        others = (
            write_audiences(lake, connection, business_date, catalogue),
            write_feeds(lake, connection, business_date, catalogue),
            write_report(lake, publication, connection, catalogue),
        )
        write_metrics(lake, publication, connection)
    keep_artifacts(lake, business_date)
    remove(lake.to_export)  # last: all of it is there
    log.info("export: audiences, feeds and run report in %s", lake.outbox)
    return (*statements, *others)
