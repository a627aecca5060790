"""封面 as PDF: the cover of a frozen statement with a chart of the month, set by Typst.

The font is a package of the lock file, so the same statement has the same bytes on every machine.
"""

import json
from datetime import UTC, datetime
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import typst

from exports.catalogue import Catalogue
from exports.money import yuan
from exports.statements.cover import Item, amount_items, checks_of, document_items
from exports.statements.figures import MonthFigures, PartyFigures
from exports.statements.header import CLOSED, NOBODY, Header, Signed

TEMPLATE = Path(__file__).with_name("cover.typ")
FONT = "Noto Sans CJK SC"


@cache
def fonts() -> typst.Fonts:
    """The fonts of covers, read once: 40 ms of the 45 that a cover takes."""
    return typst.Fonts(include_system_fonts=False, font_paths=[str(files("manimgx_fonts_cjk"))])


def write_cover_pdf(
    path: Path, header: Header, figures: PartyFigures, month: MonthFigures, catalogue: Catalogue
) -> None:
    """Write the cover of one party's statement; the same figures give the same bytes."""
    told = json.dumps(_told(header, figures, month, catalogue), ensure_ascii=False)
    cutoff = datetime.combine(header.cutoff_date, datetime.min.time(), UTC)
    pdf = typst.compile(
        str(TEMPLATE),
        font_paths=fonts(),
        ignore_system_fonts=True,
        sys_inputs={"cover": told},
        timestamp=int(cutoff.timestamp()),
    )
    path.write_bytes(pdf)


def _told(
    header: Header, figures: PartyFigures, month: MonthFigures, catalogue: Catalogue
) -> dict[str, Any]:
    balance, signed = figures.balance, header.signatures
    sides = ("receivable_fen", "payable_fen")
    signatures = (
        ("制表", signed.preparer),
        ("复核", signed.reviewer),
        ("确认", signed.confirmer),
    )
    return {
        "font": FONT,
        "title": f"{figures.party.statement_name}　{figures.party.party_name}",
        "statement_no": header.statement_no,
        "status": header.status,
        "version": header.version,
        "is_final": header.status == CLOSED,
        "left": [as_text(item) for item in document_items(header, figures, month, catalogue)],
        "right": [as_text(item) for item in amount_items(header, figures, catalogue)],
        "largest_fen": max((row[side] for row in figures.summary for side in sides), default=0),
        "movements": [
            {
                "name": row["movement_name"],
                **{side: row[side] for side in sides},
                "net": yuan(row["net_fen"]),
            }
            for row in figures.summary
        ],
        "receivable": yuan(balance.receivable_fen),
        "payable": yuan(balance.payable_fen),
        "net": yuan(balance.net_fen),
        "checks": [{"name": name, "text": text} for name, text in checks_of(figures, month)],
        "signatures": [{"label": label, "text": _signed(who)} for label, who in signatures],
    }


def _signed(who: Signed | None) -> str:
    return str(who) if who else ""


def as_text(item: Item) -> dict[str, str]:
    """An item of the cover as its label and text; money is integer fen until here."""
    label, _, kind, value = item
    if value is None:
        return {"label": label, "text": NOBODY}
    if kind == "yuan":
        return {"label": label, "text": yuan(value)}
    is_whole = kind in ("count", "fen", "micro_fen")
    return {"label": label, "text": f"{value:,}" if is_whole else str(value)}
