"""Data Docs: what was expected of each table and what was found, as pages that need nothing else.

The library renders what it says of each expectation; the page around it is ours, for the library's
own loads styles and scripts from elsewhere and names the time of its making. So the pages open
without a network, and the same night gives the same bytes. Values of rows are on none of them.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from html import escape
from pathlib import Path

from great_expectations.core.expectation_validation_result import (
    ExpectationSuiteValidationResult,
    ExpectationValidationResult,
)
from great_expectations.render.renderer.page_renderer import ValidationResultsPageRenderer
from great_expectations.render.view.view import DefaultJinjaSectionView

from ingest.core.expectations import Outcome
from ingest.core.lake import remove, write_bytes

INDEX = "index.html"
STYLE = """
body { font: 14px/1.55 "PingFang SC", "Microsoft YaHei", "Noto Sans CJK SC", sans-serif;
  color: #1f2933; background: #f4f6f8; margin: 0; }
main { max-width: 1120px; margin: 0 auto; padding: 28px 24px 48px; }
h1 { font-size: 22px; margin: 0; color: #1f3864; overflow-wrap: anywhere; }
h5 { font-size: 15px; margin: 0 0 6px; color: #1f3864; }
.meta { color: #66727f; margin: 4px 0 18px; }
.ge-section { background: #fff; border: 1px solid #e1e6eb; border-radius: 8px;
  padding: 14px 18px; margin: 0 0 14px; }
table { border-collapse: collapse; width: 100%; background: #fff; }
th, td { padding: 6px 10px; border-bottom: 1px solid #edf0f3; text-align: left;
  vertical-align: top; overflow-wrap: anywhere; }
th { background: #dce6f1; color: #1f3864; white-space: nowrap; }
td.n, th.n { text-align: right; font-variant-numeric: tabular-nums; }
.ge-section th:first-child { width: 60px; } .ge-section th:last-child { width: 170px; }
.badge { background: #e8edf2; border-radius: 4px; padding: 1px 6px; font-size: 13px; }
.text-success { color: #2e7d32; } .text-danger { color: #c62828; }
.text-warning { color: #b45309; } .fas { font-style: normal; font-weight: 700; }
.fa-check-circle::before { content: "✓"; } .fa-times::before { content: "✗"; }
.fa-exclamation-triangle::before { content: "!"; }
a { color: #1a56a8; }
""".strip()


@dataclass(frozen=True)
class Listed:
    """A line of the index: a page, and how many of its expectations were met; None: not judged."""

    page: str
    is_met: bool | None


def write_docs(
    folder: Path, title: str, night: date, outcomes: Iterable[Outcome], listed: Sequence[Listed]
) -> None:
    """Write a page for each table that was judged, and an index of those and of pages that were
    written before; pages that are not listed go.
    """
    for path in sorted(folder.glob("*.html")):
        if path.stem not in {line.page for line in listed}:
            remove(path)
    _write_pages(folder, title, night, outcomes)
    _write_index(folder, title, night, listed)


def _write_pages(folder: Path, title: str, night: date, outcomes: Iterable[Outcome]) -> None:
    by_table: dict[str, list[Outcome]] = {}
    for outcome in outcomes:
        by_table.setdefault(outcome.table, []).append(outcome)
    renderer, view = ValidationResultsPageRenderer(), DefaultJinjaSectionView()
    for table, judged in sorted(by_table.items()):
        results = [_without_trace(outcome) for outcome in judged]
        document = renderer.render(
            ExpectationSuiteValidationResult(
                success=all(outcome.success for outcome in judged),
                results=results,
                suite_name=table,
                suite_parameters={},
                statistics={},
                meta={},
            )
        )
        # The first section is about the run: its time, its version, ids of its own.
        sections = "".join(
            view.render({"section": section.to_json_dict(), "section_loop": {"index": number}})
            for number, section in enumerate(document.sections[1:], 1)
        )
        missed = sum(not outcome.success for outcome in judged)
        met = f"{len(judged) - missed} 项符合，{missed} 项不符合"
        body = f'<p class="meta">{escape(title)}　{night}　{met}　<a href="{INDEX}">目录</a></p>'
        _write(folder / f"{table}.html", _shown(table), f"{body}\n{sections}")


def _without_trace(outcome: Outcome) -> ExpectationValidationResult:
    """What the library says; of a check that broke only that, for its words may repeat a value."""
    if outcome.result.result:
        return outcome.result
    return ExpectationValidationResult(
        success=False,
        expectation_config=outcome.result.expectation_config,
        result={"observed_value": "could not be checked"},
    )


def _write_index(folder: Path, title: str, night: date, listed: Sequence[Listed]) -> None:
    pages = sorted({line.page for line in listed})
    rows = []
    for page in pages:
        met = [line.is_met for line in listed if line.page == page]
        name = escape(_shown(page))
        if (folder / f"{page}.html").is_file():
            name = f'<a href="{escape(page)}.html">{name}</a>'
        sign = "times text-danger" if False in met else "check-circle text-success"
        rows.append(
            f'<tr><td><i class="fas fa-{sign}"></i></td><td>{name}</td>'
            + "".join(f'<td class="n">{met.count(each)}</td>' for each in (True, False, None))
            + "</tr>"
        )
    head = '<tr><th></th><th>表</th><th class="n">符合</th><th class="n">不符合</th>'
    table = f'<table>\n{head}<th class="n">未检验</th></tr>\n' + "\n".join(rows) + "\n</table>"
    _write(folder / INDEX, title, f'<p class="meta">{night}</p>\n{table}')


def _shown(table: str) -> str:
    """A table as people write it; two underscores join a source and its table at the gate."""
    return table.replace("__", ".")


def _write(path: Path, title: str, body: str) -> None:
    page = f"""<!doctype html>
<html lang="zh-CN">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escape(title)}</title>
<style>
{STYLE}
</style>
</head>
<body>
<main>
<h1>{escape(title)}</h1>
{body}
</main>
</body>
</html>
"""
    lines = (line.rstrip() for line in page.splitlines())
    write_bytes(path, ("\n".join(line for line in lines if line) + "\n").encode("utf-8"))
