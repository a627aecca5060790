"""Reports as one HTML file: no script, font or image from elsewhere; opens anywhere."""

from collections.abc import Sequence
from html import escape
from typing import Any

from exports.report.figures import Chart, Headline, RunReport, Section
from exports.report.plain_text import show

STYLE = """
:root { color-scheme: light; }
body { font: 14px/1.55 "PingFang SC", "Microsoft YaHei", "Noto Sans CJK SC", sans-serif;
  color: #1f2933; background: #f4f6f8; margin: 0; }
main { max-width: 1120px; margin: 0 auto; padding: 28px 24px 48px; }
header { display: flex; justify-content: space-between; align-items: center; gap: 8px; }
h1 { font-size: 24px; margin: 0; color: #1f3864; }
h2 { font-size: 16px; margin: 0 0 10px; color: #1f3864; }
.meta { color: #66727f; font-size: 12px; margin: 4px 0 0; overflow-wrap: anywhere; }
.badge { border-radius: 999px; padding: 5px 16px; font-weight: 600; color: #fff;
  background: #2e7d32; white-space: nowrap; }
.badge.bad { background: #c62828; }
.badge.trial { background: #b45309; }
.cards { display: grid; grid-template-columns: repeat(6, 1fr); gap: 10px; margin: 20px 0 16px; }
.card, section { background: #fff; border: 1px solid #e1e6eb; border-radius: 8px; }
.card { padding: 10px 14px; }
.card b { display: block; font-size: 20px; font-variant-numeric: tabular-nums; }
.card span { color: #66727f; font-size: 12px; }
.card.bad { border-color: #c62828; } .card.bad b { color: #c62828; }
section { padding: 16px 18px; margin: 0 0 16px; overflow-x: auto; }
table { border-collapse: collapse; width: 100%; }
table.narrow { width: auto; } .narrow td + td, .narrow th + th { padding-left: 48px; }
th, td { padding: 5px 10px; border-bottom: 1px solid #edf0f3; text-align: left; }
th { background: #dce6f1; color: #1f3864; font-weight: 600; white-space: nowrap; }
td.n, th.n { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
td.c, th.c { text-align: center; }
tr.total td { font-weight: 600; background: #f7f9fb; border-top: 2px solid #b8c4d0; }
.yes { color: #2e7d32; font-weight: 700; } .no { color: #c62828; font-weight: 700; }
.alarm { color: #b45309; font-weight: 700; }
.note { color: #66727f; font-size: 12px; margin: 8px 0 0; }
.legend { color: #66727f; font-size: 12px; margin: 0 0 8px; }
svg text { font-size: 12px; fill: #1f2933; font-variant-numeric: tabular-nums; }
a { color: #1a56a8; }
@media (max-width: 760px) { .cards { grid-template-columns: repeat(2, 1fr); } }
@media print {
  body { background: #fff; } main { max-width: none; padding: 0; }
  section { break-inside: avoid; }
}
""".strip()
TO_LAKE = "../../../"  # from outbox/report/<date>/ up to the root of the lake
NUMBER_KINDS = ("count", "alarm", "points", "yuan", "figure", "change", "yuan_change")

# The chart, in pixels.
COLOURS = ("#2f6db5", "#e08a1e", "#9aa5b1")
CHART_WIDTH, LABEL_WIDTH, VALUE_WIDTH = 1080, 110, 110
BAR_HEIGHT, BAR_STEP, GROUP_GAP = 13, 17, 12


def render_html(report: RunReport) -> str:
    """The whole run report as an HTML document."""
    badge = ("badge", "正常") if report.is_good else ("badge bad", "需要处理")
    return html_document(
        f"会员积分夜间报告　{report.business_date.isoformat()}",
        f"发布版本 {report.version}　批次 {report.run_key}",
        badge,
        [
            html_cards(report.headlines),
            html_chart(report.chart),
            *(html_section(section) for section in report.sections),
        ],
    )


def html_document(title: str, meta: str, badge: tuple[str, str], parts: Sequence[str]) -> str:
    """A page of a title with a line below it, a badge (its class, its text) and parts."""
    body = "\n".join(parts)
    return f"""<!doctype html>
<html lang="zh-CN">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escape(title.replace("　", " "))}</title>
<style>
{STYLE}
</style>
</head>
<body>
<main>
<header>
<div><h1>{escape(title)}</h1>
<p class="meta">{escape(meta)}</p></div>
<span class="{badge[0]}">{badge[1]}</span>
</header>
{body}
</main>
</body>
</html>
"""


def html_cards(headlines: Sequence[Headline]) -> str:
    """The figures at the top."""
    cards = "\n".join(_card(headline) for headline in headlines)
    return f'<div class="cards">\n{cards}\n</div>'


def _card(headline: Headline) -> str:
    bad = " bad" if headline.is_bad else ""
    value, label = escape(show(headline.kind, headline.value)), escape(headline.label)
    return f'<div class="card{bad}"><b>{value}</b><span>{label}</span></div>'


def html_section(section: Section) -> str:
    """A table with its title and note."""
    kinds = [kind for _, kind in section.columns]
    head = "".join(f"<th{_class(kind)}>{escape(label)}</th>" for label, kind in section.columns)
    rows = [f"<tr>{_cells(kinds, row)}</tr>" for row in section.rows]
    if section.rows and section.total:
        rows.append(f'<tr class="total">{_cells(kinds, section.total)}</tr>')
    body = "\n".join(rows)
    narrow = ' class="narrow"' if kinds == ["text", "figure"] else ""  # label and value stay close
    table = f"<table{narrow}>\n<thead><tr>{head}</tr></thead>\n<tbody>\n{body}\n</tbody>\n</table>"
    shown = table if section.rows else '<p class="note">（无）</p>'
    note = f'\n<p class="note">{escape(section.note)}</p>' if section.note else ""
    return f"<section>\n<h2>{escape(section.title)}</h2>\n{shown}{note}\n</section>"


def _cells(kinds: Sequence[str], row: Sequence[Any]) -> str:
    return "".join(
        f"<td{_class(kind)}>{_cell(kind, value)}</td>"
        for kind, value in zip(kinds, row, strict=True)
    )


def _cell(kind: str, value: Any) -> str:
    text = escape(show(kind, value))
    if kind == "tick":
        return f'<span class="{"yes" if value else "no"}">{text}</span>'
    if kind == "alarm" and value:
        return f'<span class="alarm">{text}</span>'
    if kind == "beside":
        return f'<a href="{text}">{text}</a>'
    if kind == "path":
        return f'<a href="{TO_LAKE}{text}">{text}</a>'
    return text


def _class(kind: str) -> str:
    if kind in NUMBER_KINDS:
        return ' class="n"'
    return ' class="c"' if kind == "tick" else ""


def html_chart(chart: Chart) -> str:
    """Horizontal bars scaled to the longest, in whole pixels so that the bytes stay the same.

    Bars of negative values go to the left of the common line.
    """
    values = [value for _, group in chart.groups for value in group]
    lowest, highest = min([0, *values]), max([0, *values])
    room, span = CHART_WIDTH - LABEL_WIDTH - VALUE_WIDTH, highest - lowest or 1
    zero = LABEL_WIDTH - lowest * room // span
    parts, top = [], 4
    for name, group in chart.groups:
        parts.append(
            f'<text x="{LABEL_WIDTH - 12}" y="{top + BAR_HEIGHT - 2}" text-anchor="end">'
            f"{escape(name)}</text>"
        )
        bars = list(zip(group, COLOURS, strict=False))
        is_shown = chart.has_zeros and any(group)
        shown = bars if is_shown else [(value, colour) for value, colour in bars if value]
        for value, colour in shown or [(0, COLOURS[0])]:
            size = max(abs(value) * room // span, 1)
            left = zero if value >= 0 else zero - size
            parts.append(
                f'<rect x="{left}" y="{top}" width="{size}" height="{BAR_HEIGHT}" rx="2" '
                f'fill="{colour}"/>'
                f'<text x="{max(left + size, zero) + 8}" y="{top + BAR_HEIGHT - 2}">'
                f"{show(chart.kind, value)}</text>"
            )
            top += BAR_STEP
        top += GROUP_GAP
    legend = "　".join(
        f'<span style="color:{colour}">■</span> {escape(name)}'
        for name, colour in zip(chart.series, COLOURS, strict=False)
    )
    drawn = "\n".join(parts)
    return (
        f'<section>\n<h2>{escape(chart.title)}</h2>\n<p class="legend">{legend}</p>\n'
        f'<svg viewBox="0 0 {CHART_WIDTH} {top}" width="100%" role="img" '
        f'aria-label="{escape(chart.title)}">\n{drawn}\n</svg>\n</section>'
    )
