"""From a fen on a statement to its rule, file and row, and from one version to the next."""

import csv
import json

import pytest

from exports.explain.answer import answer
from exports.explain.facts import facts_of, facts_of_difference
from exports.explain.statement import compare_statements, explain_difference
from exports.folder import file_sha256
from ingest.core.errors import Problem
from tests.exports.closing_group import FEB_10, LATE, OWN, Group, closed, restated


def test_the_difference_of_two_versions_is_their_lines_and_adds_up(group: Group) -> None:
    restated(group)
    numbers = "JS-2026-01-MALL-001-v1", "JS-2026-01-MALL-001-v2"
    said = list(explain_difference(group.lake, *numbers))
    assert said[0] == " → ".join(numbers)
    added = said.index("新增 added: 1 行 lines (发放 -0.55)")
    assert said[added + 1].split("  ")[1:] == [
        *("+ 2026-02-09", "2026-01-30", "2026-01", "发放", "集团积分基金", "55", "-55", "pos"),
        *("RL", "L"),
    ]
    assert said[-3:] == [
        "减少 removed: 0 行 lines",
        "变更 changed: 0",
        "核对 checked: 逐行差异合计 -0.55 = 净额差异 -0.55",
    ]


def test_a_column_that_came_after_the_first_version_changes_no_line(group: Group) -> None:
    restated(group)
    folder = group.lake.outbox / "statements" / "2026-01" / "mall"
    [path] = folder.glob("明细_*.csv")
    with path.open(encoding="utf-8-sig", newline="") as file:
        lines = list(csv.DictReader(file))
    names = [name for name in lines[0] if name != "冲正原因"]
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.DictWriter(file, names, extrasaction="ignore")
        writer.writeheader()
        writer.writerows(lines)
    manifest = folder / "manifest.json"
    said = json.loads(manifest.read_text())
    for entry in said["files"]:
        if entry["name"] == path.name:
            entry["sha256"] = file_sha256(path)
    manifest.write_text(json.dumps(said))
    numbers = "JS-2026-01-MALL-001-v1", "JS-2026-01-MALL-001-v2"
    assert compare_statements(group.lake, *numbers).changed == []


def test_a_program_gets_the_lines_by_which_two_versions_differ(group: Group) -> None:
    restated(group)
    told = facts_of_difference(group.lake, "JS-2026-01-MALL-001-v1", "JS-2026-01-MALL-001-v2")
    (added,) = told["added"]
    assert (added["结算行号"], added["净额（分）"]) == ("L", "-55")
    assert (told["removed"], told["changed"]) == ([], [])
    (net,) = [row for row in told["figures"] if row["figure"] == "net_fen"]
    assert net["after"] - net["before"] == -55


def test_a_program_gets_the_rows_behind_a_line(group: Group) -> None:
    closed(group, "2026-01")
    group.publish(FEB_10, LATE, OWN)
    told = facts_of(group.settings, "line", "L", None, None)
    assert (told["line"]["amount_fen"], told["line"]["source_row"]) == (55, 7)
    assert told["statements"] == {"mall": None, "fund": None}
    assert told["entry"]["entry_id"] == "eL"
    assert [rule["rule_id"] for rule in told["rules"]] == ["earn/mall", "price/mall"]
    assert told["issued"]["document_no"] == told["activity"]["document_no"] == "RL"
    assert told["correction"]["corrects"] == "nothing_posted_before"
    of_january = facts_of(group.settings, "line", "A", None, None)
    assert of_january["statements"]["mall"] == "JS-2026-01-MALL-001-v1"
    assert of_january["correction"] is None


def test_a_program_gets_what_a_statement_says_of_itself(group: Group) -> None:
    closed(group, "2026-01")
    told = facts_of(group.settings, "statement", "JS-2026-01-MALL-001-v1", None, None)
    assert (told["statement_no"], told["period"]) == ("JS-2026-01-MALL-001-v1", "2026-01")
    assert len(told["manifest_sha256"]) == 64


def test_a_line_is_explained_down_to_its_rule_file_and_row(group: Group) -> None:
    closed(group, "2026-01")
    group.publish(FEB_10, LATE, OWN)
    said = list(answer(group.settings, "line", "L", None, None, False))
    assert said == [
        "发放 (accrual): 购物中心 付 pays 集团积分基金 ¥0.55",
        "  55 积分 points × 1.000000 分 fen = 55.000000 分, 尾差 rounding 0.000000 分 → 55 分",
        "  含税 with tax of 0% 不征税: 不含税 without ¥0.55, 税额 tax ¥0.00",
        (
            "  营业日 of 2026-01-30, 入账 posted 2026-02-09, 计入 counts for 2026-02"
            " (原期间 of 2026-01)"
        ),
        "  结算单 statement of mall: 未关账 not closed yet",
        "  结算单 statement of fund: 未关账 not closed yet",
        (
            "分录 entry eL: 积分到账 (accrual) 55  issuer → member  账户 account pos:00012"
            "  会员 member –"
        ),
        (
            "规则 rule earn/mall 基础积分: 自 from 2026-01-01 至 until 长期 no end; 依据 by "
            "Programme 2026 §1; 批准 approved by Group finance"
        ),
        (
            "规则 rule price/mall : 自 from 2026-01-01 至 until 长期 no end; 依据 by Clearing "
            "agreement §2; 批准 approved by Group finance"
        ),
        "批次 lot tL: mall 发放 issued for purchase RL 2026-01-30, 规则 rule earn/mall",
        "活动 activity aL: mall purchase RL 实付 paid ¥0.55, 门店 unit SH01",
        "来源 source pos: sales.csv, 行 row 7",
        "调整 late line: 本期调整, 迟到的业务 (nothing_posted_before); 原行 corrects –",
    ]
    of_january = list(answer(group.settings, "line", "A", None, None, False))
    assert "  结算单 statement of mall: JS-2026-01-MALL-001-v1" in of_january


def test_a_statement_is_explained_from_the_files_that_finance_was_given(group: Group) -> None:
    closed(group, "2026-01")
    said = list(answer(group.settings, "statement", "JS-2026-01-MALL-001-v1", None, None, False))
    assert said[0] == "JS-2026-01-MALL-001-v1 已关账  购物中心  2026-01"
    assert "  确认 confirmed by 李强　2026-01-31" in said
    with pytest.raises(Problem, match="no statement JS-2026-01-SPA-001-v1 in"):
        list(answer(group.settings, "statement", "JS-2026-01-SPA-001-v1", None, None, False))


def test_an_unknown_line_is_one_problem(group: Group) -> None:
    with pytest.raises(Problem, match="no settlement line nowhere in the night of 2026-01-31"):
        list(answer(group.settings, "line", "nowhere", None, None, False))
