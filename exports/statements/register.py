"""The register of statements (结算单目录): all that lie in the outbox, newest month first, with
their state and what they were replaced by, as a page and as CSV.

It says nothing that the manifests do not say, and is written whenever one of them is.
"""

import csv
import io
from collections.abc import Iterable
from itertools import groupby
from pathlib import Path

from exports.folder import BOM
from exports.money import yuan
from exports.report.figures import Cells, Section
from exports.report.html_page import html_document, html_section
from exports.statements.packs import Pack, packs_in, statements_folder
from ingest.core.lake import Lake, write_bytes

PAGE, TABLE = "index.html", "register.csv"
VOID = "已作废"
HASH_DIGITS = 12
COLUMNS = (
    *(("结算单号 statement_no", "text"), ("结算主体 party", "text"), ("状态 status", "text")),
    *(("期初 opening", "yuan"), ("应收 receivable", "yuan"), ("应付 payable", "yuan")),
    *(
        ("结算/付款 payments", "yuan"),
        ("期末 closing", "yuan"),
        ("文件夹 folder", "beside"),
        ("被替代 replaced_by", "text"),
    ),
    *(("明细行数 lines", "count"), ("确认 confirmed_by", "text"), ("清单SHA-256 manifest", "text")),
)
ON_PAGE = 10  # columns; the others stand in the table


def write_register(lake: Lake) -> Path:
    """Write page and table beside the statements; returns the page. Same statements, same bytes."""
    folder = statements_folder(lake)
    packs = sorted(packs_in(folder), key=lambda pack: (pack.party, pack.place))
    final = {(pack.party, pack.place[0]): pack for pack in packs if pack.is_closed}
    by_month = sorted(packs, key=lambda pack: pack.place[0], reverse=True)
    months = [
        (period, tuple(_row(pack, final.get((pack.party, period))) for pack in group))
        for period, group in groupby(by_month, key=lambda pack: pack.place[0])
    ]
    table = [row for _, rows in months for row in rows]
    on_page = tuple((label.split()[0], kind) for label, kind in COLUMNS[:ON_PAGE])
    sections = [
        Section(period, on_page, tuple(row[:ON_PAGE] for row in rows)) for period, rows in months
    ]
    page = html_document(
        "结算单目录",
        "状态与数字均出自各结算单的 manifest.json；已关账的文件永不改写，重述另出新版本",
        ("badge", f"{len(packs)} 份"),
        [html_section(section) for section in sections],
    )
    write_bytes(folder / TABLE, _csv(table).encode("utf-8"))
    write_bytes(folder / PAGE, page.encode("utf-8"))
    return folder / PAGE


def _row(pack: Pack, final: Pack | None) -> Cells:
    """A statement; `final` is the latest closed one of its party and month."""
    said = pack.manifest
    is_replaced = pack.is_closed and final is not None and final.place > pack.place
    return (
        pack.statement_no,
        f"{said['party_name']} {pack.party}",
        VOID if is_replaced else said["status"],
        said["opening_fen"],
        said["receivable_fen"],
        said["payable_fen"],
        said.get("payments_fen", 0),  # packs of months closed before payments were known
        said["closing_fen"],
        f"{pack.folder.parent.name}/{pack.folder.name}",
        final.statement_no if final and is_replaced else None,
        said["line_count"],
        said["confirmed_by"],
        pack.sha256[:HASH_DIGITS],
    )


def _csv(rows: Iterable[Cells]) -> str:
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([label for label, _ in COLUMNS])
    for row in rows:
        writer.writerow(
            yuan(value).replace(",", "") if kind == "yuan" else value
            for (_, kind), value in zip(COLUMNS, row, strict=True)
        )
    return BOM + text.getvalue()
