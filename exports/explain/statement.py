"""What a statement says of itself, and line by line how two of them differ.

Both are read from the files in the outbox, whose hashes are checked first: what finance was given,
not what would be said today.
"""

import csv
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from exports.money import yuan
from exports.statements.packs import Pack, find_pack
from ingest.core.errors import Problem
from ingest.core.lake import Lake

LINE, NET, MOVEMENT = "结算行号", "净额（分）", "业务类型"
SHOWN = ("入账日", "营业日", "原期间", MOVEMENT, "对方", "积分", NET, "源系统", "源单号")
# Packs of months closed before payments were known say nothing of them: 0.
FIGURES = (
    ("期初 opening", "opening_fen"),
    ("应收 receivable", "receivable_fen"),
    ("应付 payable", "payable_fen"),
    ("净额 net", "net_fen"),
    ("结算/付款 paid", "payments_fen"),
    ("期末 closing", "closing_fen"),
)
LISTED = 1_000

Line = dict[str, str]


@dataclass(frozen=True)
class Difference:
    """Two statements, and the lines that only one of them holds or that both hold differently."""

    one: Pack
    other: Pack
    added: list[Line]
    removed: list[Line]
    changed: list[tuple[Line, Line]]


def explain_statement(lake: Lake, statement_no: str) -> Iterator[str]:
    """Lines about one statement; Problem if it is not in the outbox, or not whole."""
    pack = find_pack(lake, statement_no)
    said = pack.manifest
    yield f"{statement_no} {said['status']}  {said['party_name']}  {said['period']}"
    yield f"  代替 supersedes {said['supersedes_no'] or '–'}"
    for label, name in FIGURES:
        yield f"  {label:<16} {yuan(said.get(name, 0)):>18}"
    for label, name in (("制表", "prepared"), ("复核", "reviewed"), ("确认", "confirmed")):
        yield f"  {label} {name} by {said[f'{name}_by'] or '–'}"
    yield f"  发布 publication {said['version']}, 规则 rules {said['rules_version'][:12]}"
    for entry in said["files"]:
        yield f"  {entry['name']}  {entry['rows']:,} 行 rows  SHA-256 {entry['sha256']}"
    yield f"  输入 inputs {len(said['inputs'])}, manifest SHA-256 {pack.sha256}"


def compare_statements(lake: Lake, one_no: str, other_no: str) -> Difference:
    """By which lines two statements differ; Problem if these do not add up to the difference of
    their net amounts, or one is not in the outbox or not whole.
    """
    one, other = find_pack(lake, one_no), find_pack(lake, other_no)
    before, after = _lines(one), _lines(other)
    added = [after[line_id] for line_id in after.keys() - before.keys()]
    removed = [before[line_id] for line_id in before.keys() - after.keys()]
    changed = [
        (before[line_id], after[line_id])
        for line_id in sorted(before.keys() & after.keys())
        if _says_otherwise(before[line_id], after[line_id])
    ]
    total = sum(int(line[NET]) for line in added) - sum(int(line[NET]) for line in removed)
    total += sum(int(now[NET]) - int(was[NET]) for was, now in changed)
    difference = other.manifest["net_fen"] - one.manifest["net_fen"]
    if total != difference:
        raise Problem(
            f"the lines differ by {total} fen but the statements by {difference}; restore "
            f"{one.folder} and {other.folder} from a backup"
        )
    added, removed = sorted(added, key=_order), sorted(removed, key=_order)
    return Difference(one, other, added, removed, changed)


def explain_difference(lake: Lake, one_no: str, other_no: str) -> Iterator[str]:
    """Lines that only one of two statements holds, or that both hold differently."""
    found = compare_statements(lake, one_no, other_no)
    one, other = found.one.manifest, found.other.manifest
    yield f"{one_no} → {other_no}"
    for label, name in FIGURES:
        was, is_now = one.get(name, 0), other.get(name, 0)
        yield f"  {label:<16} {yuan(was):>18} {yuan(is_now):>18}  {yuan(is_now - was):>14}"
    yield from _section("新增 added", "+", found.added)
    yield from _section("减少 removed", "-", found.removed)
    yield f"变更 changed: {len(found.changed)}"
    for was_line, now_line in found.changed[:LISTED]:
        yield f"  - {_text(was_line)}"
        yield f"  + {_text(now_line)}"
    net = yuan(other["net_fen"] - one["net_fen"])
    yield f"核对 checked: 逐行差异合计 {net} = 净额差异 {net}"


def _section(title: str, sign: str, lines: list[Line]) -> Iterator[str]:
    sums: dict[str, int] = defaultdict(int)
    for line in lines:
        sums[line[MOVEMENT]] += int(line[NET])
    by_movement = ", ".join(f"{name} {yuan(fen)}" for name, fen in sorted(sums.items()))
    yield f"{title}: {len(lines)} 行 lines{f' ({by_movement})' if lines else ''}"
    for line in lines[:LISTED]:
        yield f"  {sign} {_text(line)}"
    if len(lines) > LISTED:
        yield f"    … 另有 {len(lines) - LISTED} 行 more lines"


def _lines(pack: Pack) -> dict[str, Line]:
    """The lines of a statement's CSV by id; Problem if it has none (a draft too long for one)."""
    for entry in pack.manifest["files"]:
        if entry["name"].startswith("明细_"):
            return {line[LINE]: line for line in _read(pack.folder / entry["name"])}
    raise Problem(f"{pack.folder} holds no detail file; compare statements that are frozen")


def _read(path: Path) -> Iterator[Line]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        yield from csv.DictReader(file)


def _says_otherwise(was: Line, now: Line) -> bool:
    """Whether a line differs but for its place; a column that came later is no difference."""
    return any(was[name] != now[name] for name in was.keys() & now.keys() - {"序号"})


def _order(line: Line) -> tuple[str, str, str]:
    return line["入账日"], line["营业日"], line[LINE]


def _text(line: Line) -> str:
    return "  ".join([*(line.get(name) or "–" for name in SHOWN), line[LINE]])
