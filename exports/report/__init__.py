"""The run report of a night: `run_report.html` and `run_report.txt`, the same figures in both.

The Data Docs of the night lie beside it, copied from the publication.
"""

from pathlib import Path

import duckdb

from exports.catalogue import Catalogue
from exports.folder import ExportFolder
from exports.reader import Publication
from exports.report.figures import ReportReader
from exports.report.html_page import render_html
from exports.report.plain_text import render_text
from ingest.core.lake import DATA_DOCS, Lake


def write_report(
    lake: Lake,
    publication: Publication,
    connection: duckdb.DuckDBPyConnection,
    catalogue: Catalogue,
) -> Path:
    """Write the report of the published night and return its folder."""
    reader = ReportReader(connection, publication.business_date, catalogue)
    docs = sorted((publication.folder / DATA_DOCS).glob("*/*.html"))
    names = [path.relative_to(publication.folder).as_posix() for path in docs]
    report = reader.read(publication.version, publication.run_key, names)
    day = report.business_date.isoformat()
    folder = ExportFolder(lake.outbox / "report" / day)
    folder.add_text("run_report.html", render_html(report))
    folder.add_text("run_report.txt", render_text(report))
    for name, path in zip(names, docs, strict=True):
        folder.add_text(name, path.read_text(encoding="utf-8"))
    return folder.finish(
        export="report",
        business_date=day,
        version=report.version,
        run_key=report.run_key,
        is_good=report.is_good,
    )
