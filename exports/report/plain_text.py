"""The run report as plain text, for terminals and mail. A Chinese character takes two columns."""

from collections.abc import Sequence
from datetime import date
from typing import Any

from exports.money import yuan
from exports.report.figures import Headline, RunReport, Section

LEFT_KINDS = ("text", "path", "beside", "date", "tick")
CJK_START = 0x2E80


def render_text(report: RunReport) -> str:
    """The whole report as text, one line break at the end."""
    lines = [
        f"会员积分夜间报告  {report.business_date.isoformat()}",
        f"发布版本 {report.version}  批次 {report.run_key}",
        "",
        *(_headline(headline) for headline in report.headlines),
    ]
    for section in report.sections:
        lines += ["", f"■ {section.title}", *_table(section)]
        if section.note:
            lines.append(f"  {section.note}")
    return "\n".join(line.rstrip() for line in lines) + "\n"


def _headline(headline: Headline) -> str:
    mark = "!" if headline.is_bad else " "
    return f"  {mark} {pad(headline.label, 18)}{show(headline.kind, headline.value):>18}"


def _table(section: Section) -> list[str]:
    if not section.rows:
        return ["  （无）"]
    kinds = [kind for _, kind in section.columns]
    table = [[label for label, _ in section.columns], *(_shown(kinds, row) for row in section.rows)]
    if section.total:
        table.append(_shown(kinds, section.total))
    widths = [max(width(row[index]) for row in table) for index in range(len(kinds))]
    lines = ["  " + "  ".join(map(pad, row, widths, kinds)) for row in table]
    rule = "  " + "-" * (sum(widths) + 2 * (len(widths) - 1))
    lines.insert(1, rule)
    if section.total:
        lines.insert(len(lines) - 1, rule)
    return lines


def _shown(kinds: Sequence[str], row: Sequence[Any]) -> list[str]:
    return [show(kind, value) for kind, value in zip(kinds, row, strict=True)]


def show(kind: str, value: Any) -> str:
    """A value as a person reads it."""
    if value is None or value == "":
        return ""
    if kind == "tick":
        return "✓" if value else "✗"
    if kind == "change":
        return f"{value:+,}" if value else "0"
    if kind in ("yuan", "yuan_change"):
        return ("+" if value > 0 and kind == "yuan_change" else "") + yuan(value)
    if kind in ("count", "alarm", "points"):
        return f"{value:,}"
    return value.isoformat() if isinstance(value, date) else str(value)


def width(text: str) -> int:
    """Columns that a text takes on a terminal."""
    return sum(2 if ord(character) >= CJK_START else 1 for character in text)


def pad(text: str, size: int, kind: str = "text") -> str:
    """Fill a text to `size` columns; numbers go to the right."""
    space = " " * max(size - width(text), 0)
    return text + space if kind in LEFT_KINDS else space + text
