"""The steps of a close: who may take which when, what a restatement holds, what stays for ever."""

import json
from collections.abc import Callable
from datetime import date
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exports.__main__ import main
from exports.closes import steps, workflow
from exports.closes.numbers import Issued, next_number, statement_no
from exports.closes.totals import read_close, write_totals
from exports.explain.answer import answer
from exports.explain.statement import explain_difference
from exports.folder import ExportFolder
from exports.nightly import export
from exports.statements.pack import write_drafts, write_pack
from exports.statements.verify import verify_statements
from ingest.core.errors import Problem
from ingest.core.lake import Lake
from tests.exports.closing_group import PARTIES, Group, Line

JAN_31, FEB_1, FEB_10, FEB_11 = (
    date(2026, 1, 31),
    date(2026, 2, 1),
    date(2026, 2, 10),
    date(2026, 2, 11),
)
FEB_28, MAR_31 = date(2026, 2, 28), date(2026, 3, 31)
A, B = Line("A", date(2026, 1, 5), date(2026, 1, 5), 1000), Line("B", JAN_31, JAN_31, 234)
# Of January, posted in February; and February's own.
LATE = Line("L", date(2026, 2, 9), date(2026, 1, 30), 55)
OWN = Line("O", date(2026, 2, 9), date(2026, 2, 9), 700, "fund", "hotel")
Take = Callable[..., Any]


@pytest.fixture
def group(tmp_path: Path) -> Group:
    """January's last night is published: the mall owes the fund 12.34."""
    made = Group(tmp_path)
    made.publish(JAN_31, A, B)
    return made


def through(group: Group, period: str, *names: str) -> None:
    """Take steps, each by another person."""
    people = {"freeze": "陈静", "review": "王芳", "confirm": "李强", "close": "陈静"}
    people |= {"reopen": "王芳", "approve": "李强"}
    for name in names:
        taken: Take = getattr(workflow, name)
        assert taken(group.settings, period, people[name], "late till") is not None


def closed(group: Group, period: str) -> None:
    through(group, period, "freeze", "review", "confirm", "close")
    write_pack(group.settings, period)


def history(group: Group, period: str = "2026-01") -> steps.History:
    return steps.read_history(group.lake, period)


def files_of(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def manifest(group: Group, folder: str, party: str = "mall") -> dict[str, Any]:
    path = group.lake.outbox / "statements" / folder / party / "manifest.json"
    content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return content


def test_a_month_goes_through_all_states_and_each_step_names_person_and_night(
    group: Group,
) -> None:
    assert history(group).state == "open"
    for name, state in (
        ("freeze", "frozen"),
        ("review", "reviewed"),
        ("confirm", "confirmed"),
        ("close", "closed"),
    ):
        through(group, "2026-01", name)
        assert history(group).state == state
    taken = [(step.step, step.by, step.on_date) for step in history(group).steps]
    assert taken == [
        ("freeze", "陈静", JAN_31),
        ("review", "王芳", JAN_31),
        ("confirm", "李强", JAN_31),
        ("close", "陈静", JAN_31),
    ]


READY = {
    "open": (),
    "frozen": ("freeze",),
    "reviewed": ("freeze", "review"),
    "confirmed": ("freeze", "review", "confirm"),
    "closed": ("freeze", "review", "confirm", "close"),
    "reopening": ("freeze", "review", "confirm", "close", "reopen"),
    "reopened": ("freeze", "review", "confirm", "close", "reopen", "approve"),
}
ILLEGAL = [
    (state, step) for state in READY for step in steps.STEPS if state not in steps.STEPS[step]
]


def test_there_are_forty_one_steps_that_nobody_can_take() -> None:
    # 7 states x 7 steps, less freeze from two states and each of the six others from one.
    assert len(ILLEGAL) == 7 * 7 - 8


@pytest.mark.parametrize(("state", "step"), ILLEGAL)
def test_a_step_at_the_wrong_time_is_refused_in_one_line_that_names_the_next(
    group: Group, state: str, step: str
) -> None:
    for name in READY[state]:
        if name == "reopen":
            write_pack(group.settings, "2026-01")
            group.publish(FEB_10, LATE, OWN)
        through(group, "2026-01", name)
    before = history(group)
    assert before.state == state
    taken: Take = getattr(workflow, step)
    with pytest.raises(
        Problem, match=f"is {state}, so {step} is not possible; next would be"
    ) as no:
        taken(group.settings, "2026-01", "somebody else", "because")
    assert steps.next_command(before) in str(no.value)
    assert "\n" not in str(no.value)
    assert history(group) == before


@pytest.mark.parametrize(
    ("night", "is_possible"), [(date(2026, 2, 2), False), (date(2026, 2, 3), True)]
)
def test_a_month_with_three_days_of_grace_is_frozen_from_the_third_of_february_on(
    tmp_path: Path, night: date, is_possible: bool
) -> None:
    group = Group(tmp_path, grace=3)
    group.publish(night, A, B)
    if is_possible:
        through(group, "2026-01", "freeze")
        frozen = history(group).last("freeze")
        assert frozen is not None
        assert frozen.through_date == date(2026, 2, 3)
    else:
        with pytest.raises(
            Problem,
            match="cannot be closed before the last of its 3 days of grace, 2026-02-03, is "
            "published; the last published night is 2026-02-02, so run 2026-02-03 next",
        ):
            workflow.freeze(group.settings, "2026-01", "陈静")
        assert history(group).state == "open"


def test_what_comes_within_the_grace_is_in_the_month_and_what_comes_after_is_not(
    tmp_path: Path,
) -> None:
    group = Group(tmp_path, grace=3)
    in_time = Line("G", date(2026, 2, 3), JAN_31, 10)
    too_late = Line("H", date(2026, 2, 4), JAN_31, 20)
    group.publish(date(2026, 2, 4), A, B, in_time, too_late)
    closed(group, "2026-01")
    assert manifest(group, "2026-01")["payable_fen"] == 1000 + 234 + 10
    assert manifest(group, "2026-01")["to_date"] == "2026-02-03"


def test_nights_of_the_grace_write_drafts_of_both_months(tmp_path: Path) -> None:
    group = Group(tmp_path, grace=3)
    group.publish(FEB_1, A, B, Line("F", FEB_1, FEB_1, 9))
    drafts = drafts_of(group)
    assert drafts == {"2026-01": "CG-2026-01-MALL-20260201", "2026-02": "CG-2026-02-MALL-20260201"}


def drafts_of(group: Group) -> dict[str, str]:
    """Write the drafts of the published night; number of the mall's by folder."""
    from exports.catalogue import read_catalogue
    from exports.published import open_current

    with open_current(group.settings) as (publication, marts):
        folders = write_drafts(group.lake, publication, marts, read_catalogue())
    months = sorted({folder.parent.name for folder in folders})
    return {month: manifest(group, month)["statement_no"] for month in months}


@pytest.mark.parametrize("name", ["陈静", " 陈静 "])
def test_who_froze_a_month_cannot_review_it(group: Group, name: str) -> None:
    through(group, "2026-01", "freeze")
    with pytest.raises(Problem, match="review needs another person"):
        workflow.review(group.settings, "2026-01", name)


def test_who_reviewed_a_month_cannot_confirm_it_for_all_but_for_a_party(group: Group) -> None:
    through(group, "2026-01", "freeze", "review")
    with pytest.raises(Problem, match="confirm needs another person"):
        workflow.confirm(group.settings, "2026-01", "王芳")
    assert workflow.confirm(group.settings, "2026-01", "王芳", party="mall").state == "reviewed"


def test_a_month_is_confirmed_when_the_last_party_has_confirmed(group: Group) -> None:
    through(group, "2026-01", "freeze", "review")
    states = [
        workflow.confirm(group.settings, "2026-01", f"{party}'s", party=party).state
        for party in ("mall", "fund", "hotel")
    ]
    assert states == ["reviewed", "reviewed", "confirmed"]
    write_pack(group.settings, "2026-01")
    assert manifest(group, "2026-01")["confirmed_by"] == "mall's　2026-01-31"
    assert manifest(group, "2026-01")["status"] == "已确认"


def test_a_party_confirms_once_and_only_its_own_statement(group: Group) -> None:
    through(group, "2026-01", "freeze", "review")
    workflow.confirm(group.settings, "2026-01", "赵敏", party="mall")
    with pytest.raises(Problem, match="mall was confirmed for 2026-01 by 赵敏 already"):
        workflow.confirm(group.settings, "2026-01", "孙丽", party="mall")
    with pytest.raises(Problem, match="spa has no statement of 2026-01; those who have: fund, hot"):
        workflow.confirm(group.settings, "2026-01", "孙丽", party="spa")


@pytest.mark.parametrize("by", ["", "  "])
def test_a_step_needs_a_name(group: Group, by: str) -> None:
    with pytest.raises(Problem, match="the step freeze needs who takes it; add --by WHO"):
        workflow.freeze(group.settings, "2026-01", by)


def test_the_statement_shows_the_state_of_the_day_and_who_brought_it_there(group: Group) -> None:
    found = []
    for name in ("freeze", "review", "confirm", "close"):
        through(group, "2026-01", name)
        write_pack(group.settings, "2026-01")
        said = manifest(group, "2026-01")
        found.append((said["status"], said["reviewed_by"], said["confirmed_by"]))
    assert found == [
        ("待复核", None, None),
        ("待确认", "王芳　2026-01-31", None),
        ("已确认", "王芳　2026-01-31", "李强　2026-01-31"),
        ("已关账", "王芳　2026-01-31", "李强　2026-01-31"),
    ]
    folder = group.lake.outbox / "statements" / "2026-01" / "mall"
    assert sorted(path.name for path in folder.iterdir()) == [
        "manifest.json",
        "明细_购物中心_2026-01_已关账.csv",
        "结算单_购物中心_2026-01_已关账.xlsx",
    ]


def restated(group: Group) -> None:
    """January closed, a late line, reopened by two people, the next night, closed again."""
    closed(group, "2026-01")
    group.publish(FEB_10, LATE, OWN)
    through(group, "2026-01", "reopen", "approve")
    group.publish(FEB_11)
    closed(group, "2026-01")


def test_a_restatement_is_a_second_version_and_the_first_keeps_every_byte(group: Group) -> None:
    closed(group, "2026-01")
    before = files_of(group.lake.outbox / "statements" / "2026-01")
    group.publish(FEB_10, LATE, OWN)
    through(group, "2026-01", "reopen", "approve")
    group.publish(FEB_11)
    export(group.settings, FEB_11)
    closed(group, "2026-01")
    group.publish(date(2026, 2, 12), Line("M", date(2026, 2, 12), JAN_31, 8))
    export(group.settings, date(2026, 2, 12))
    write_pack(group.settings, "2026-01")
    assert files_of(group.lake.outbox / "statements" / "2026-01") == before
    second = manifest(group, "2026-01-v2")
    assert (second["statement_no"], second["supersedes_no"], second["payable_fen"]) == (
        "JS-2026-01-MALL-001-v2",
        "JS-2026-01-MALL-001-v1",
        1000 + 234 + 55,
    )
    assert second["previous_manifest_sha256"] == before["mall/manifest.json"]


def test_every_line_stands_in_one_statement_of_the_newest_versions(group: Group) -> None:
    restated(group)
    group.publish(FEB_28, Line("P", FEB_28, JAN_31, 8))  # late again, after the restatement
    closed(group, "2026-02")
    ids = [line for folder in ("2026-01-v2", "2026-02") for line in lines_of(group, folder, "fund")]
    assert sorted(ids) == ["A", "B", "L", "O", "P"]
    assert lines_of(group, "2026-01", "fund") == ["A", "B"]
    opening = manifest(group, "2026-02", "fund")["opening_fen"]
    assert opening == manifest(group, "2026-01-v2", "fund")["closing_fen"] == 1000 + 234 + 55


def lines_of(group: Group, folder: str, party: str) -> list[str]:
    import csv

    [path] = (group.lake.outbox / "statements" / folder / party).glob("*.csv")
    with path.open(encoding="utf-8-sig", newline="") as file:
        return [line["结算行号"] for line in csv.DictReader(file)]


def test_without_a_restatement_a_late_line_is_an_adjustment_of_the_month_that_posts_it(
    group: Group,
) -> None:
    closed(group, "2026-01")
    group.publish(FEB_28, LATE, OWN)
    closed(group, "2026-02")
    assert lines_of(group, "2026-02", "mall") == ["L"]
    sheet = sheet_of(group, "2026-02", "mall", "调整")
    assert [(row["original_no"], row["settled_name"], row["net_fen"]) for row in sheet] == [
        ("JS-2026-01-MALL-001-v1", "本期调整", -55)
    ]


def test_a_restated_statement_says_which_lines_it_took_in_and_who_let_it(group: Group) -> None:
    restated(group)
    [row] = sheet_of(group, "2026-01-v2", "mall", "调整")
    assert (row["original_no"], row["settled_name"], row["net_fen"]) == (
        "JS-2026-01-MALL-001-v1",
        "并入原期",
        -55,
    )
    assert (row["proposed_by"], row["approved_by"]) == ("王芳", "李强")


def sheet_of(group: Group, folder: str, party: str, sheet: str) -> list[dict[str, Any]]:
    import openpyxl

    [path] = (group.lake.outbox / "statements" / folder / party).glob("*.xlsx")
    rows = list(openpyxl.load_workbook(path)[sheet].iter_rows(values_only=True))
    top = next(index for index, row in enumerate(rows) if "net_fen" in row)
    end = next(index for index, row in enumerate(rows) if row[0] == "合计")
    return [dict(zip(rows[top], row, strict=True)) for row in rows[top + 1 : end]]


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


def test_a_reopening_needs_a_reason_and_two_people(group: Group) -> None:
    closed(group, "2026-01")
    group.publish(FEB_10, LATE, OWN)
    with pytest.raises(Problem, match="to reopen 2026-01 needs a reason; add --why WHY"):
        workflow.reopen(group.settings, "2026-01", "Wang Fang", "  ")
    workflow.reopen(group.settings, "2026-01", "Wang Fang", "late till")
    with pytest.raises(Problem, match="approve needs another person"):
        workflow.approve(group.settings, "2026-01", "wang fang")
    approved = workflow.approve(group.settings, "2026-01", "Li Qiang", "checked")
    assert (approved.state, approved.version) == ("reopened", 2)
    assert approved.steps[-1].why == "late till; checked"


def test_a_reopening_that_is_declined_leaves_the_month_closed_as_it_was(group: Group) -> None:
    closed(group, "2026-01")
    group.publish(FEB_10, LATE, OWN)
    through(group, "2026-01", "reopen")
    before = files_of(group.lake.outbox)
    assert workflow.decline(group.settings, "2026-01", "李强", "next month").state == "closed"
    write_pack(group.settings, "2026-01")
    assert files_of(group.lake.outbox) == before
    assert history(group).version == 1


def test_a_month_without_late_lines_is_not_reopened(group: Group) -> None:
    closed(group, "2026-01")
    group.publish(FEB_10, OWN)
    with pytest.raises(Problem, match="no line of 2026-01 was posted late; there is nothing to"):
        workflow.reopen(group.settings, "2026-01", "王芳", "why not")


def test_only_the_last_frozen_month_is_reopened(group: Group) -> None:
    closed(group, "2026-01")
    group.publish(FEB_28, LATE, OWN)
    through(group, "2026-02", "freeze")
    with pytest.raises(Problem, match="2026-01 cannot be reopened: 2026-02 is frozen after it"):
        workflow.reopen(group.settings, "2026-01", "王芳", "late till")


def test_a_month_whose_statements_were_not_written_is_not_reopened(group: Group) -> None:
    through(group, "2026-01", "freeze", "review", "confirm", "close")
    group.publish(FEB_10, LATE, OWN)
    with pytest.raises(
        Problem, match="JS-2026-01-FUND-001-v1 is not whole in the outbox; write it"
    ):
        workflow.reopen(group.settings, "2026-01", "王芳", "late till")


def test_a_reopened_month_is_frozen_from_the_next_night_on(group: Group) -> None:
    closed(group, "2026-01")
    group.publish(FEB_10, LATE, OWN)
    through(group, "2026-01", "reopen", "approve")
    with pytest.raises(
        Problem,
        match=r"2026-01 was reopened after the night of 2026-02-10; .* so run 2026-02-11 next",
    ):
        workflow.freeze(group.settings, "2026-01", "陈静")
    group.publish(FEB_11)
    assert drafts_of(group)["2026-01-v2"] == "CG-2026-01-v2-MALL-20260211"
    through(group, "2026-01", "freeze")
    assert history(group).state == "frozen"


def test_the_next_month_waits_for_the_one_that_is_reopened(group: Group) -> None:
    closed(group, "2026-01")
    group.publish(FEB_28, LATE, OWN)
    through(group, "2026-01", "reopen")
    with pytest.raises(
        Problem, match=r"2026-01 is reopening; close it first: .* close approve --p"
    ):
        workflow.freeze(group.settings, "2026-02", "陈静")


def test_a_month_can_be_restated_twice_and_each_version_stays(group: Group) -> None:
    restated(group)
    first, second = (
        files_of(group.lake.outbox / "statements" / folder) for folder in ("2026-01", "2026-01-v2")
    )
    group.publish(date(2026, 2, 12), Line("M", date(2026, 2, 12), JAN_31, 8))
    through(group, "2026-01", "reopen", "approve")
    group.publish(date(2026, 2, 13))
    closed(group, "2026-01")
    assert files_of(group.lake.outbox / "statements" / "2026-01") == first
    assert files_of(group.lake.outbox / "statements" / "2026-01-v2") == second
    third = manifest(group, "2026-01-v3")
    assert (third["supersedes_no"], third["payable_fen"]) == ("JS-2026-01-MALL-001-v2", 1297)
    assert verify_statements(group.lake).faults == ()


def test_an_unattended_close_never_goes_on_where_people_began(group: Group) -> None:
    through(group, "2026-01", "freeze")
    with pytest.raises(Problem, match="2026-01 v1 is frozen by 陈静, so people close it; next wou"):
        workflow.close_month(group.settings, "2026-01")


@pytest.mark.parametrize("taken", [1, 2, 3])
def test_an_unattended_close_that_was_killed_goes_on(group: Group, taken: int) -> None:
    for name in ("freeze", "review", "confirm")[:taken]:
        step: Take = getattr(workflow, name)
        step(group.settings, "2026-01", workflow.UNATTENDED)
    done = workflow.close_month(group.settings, "2026-01")
    assert done is not None
    assert done.is_new
    assert history(group).state == "closed"
    assert len(history(group).steps) == 4


def test_a_freeze_that_was_killed_before_its_step_keeps_its_numbers(
    group: Group, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(*_: Any) -> Any:
        raise KeyboardInterrupt

    with monkeypatch.context() as killed:
        killed.setattr(workflow, "add_step", stop)
        with pytest.raises(KeyboardInterrupt):
            workflow.freeze(group.settings, "2026-01", "陈静")
    before = group.lake.close("2026-01").read_bytes()
    assert history(group).state == "open"
    group.publish(FEB_1)
    through(group, "2026-01", "freeze")
    assert group.lake.close("2026-01").read_bytes() == before


def test_of_two_people_who_take_a_step_at_once_one_is_told_so(group: Group) -> None:
    through(group, "2026-01", "freeze")
    seen = history(group)
    step = seen.steps[0]
    steps.add_step(group.lake, seen, step)
    with pytest.raises(Problem, match="somebody else took a step on 2026-01 meanwhile"):
        steps.add_step(group.lake, seen, step)


def test_a_step_that_was_changed_or_taken_away_is_found(group: Group) -> None:
    through(group, "2026-01", "freeze", "review")
    folder = group.lake.close_steps / "2026-01"
    first = (folder / "0001.json").read_bytes()
    (folder / "0001.json").write_bytes(first.replace("陈静".encode(), "李静".encode()))
    with pytest.raises(Problem, match="a step was changed or taken away; restore"):
        history(group)
    (folder / "0001.json").unlink()
    with pytest.raises(Problem, match="a step was changed or taken away; restore"):
        history(group)


def test_totals_that_were_changed_after_the_freeze_are_found(group: Group) -> None:
    through(group, "2026-01", "freeze")
    path = group.lake.close("2026-01")
    path.write_bytes(path.read_bytes() + b" ")
    with pytest.raises(Problem, match="is not what was frozen; restore it from a backup"):
        workflow.review(group.settings, "2026-01", "王芳")


def damage_file(folder: Path) -> None:
    next(folder.glob("*.csv")).write_bytes(b"torn")


def lose_folder(folder: Path) -> None:
    for path in folder.iterdir():
        path.unlink()


def break_chain(folder: Path) -> None:
    path = folder / "manifest.json"
    path.write_text(path.read_text(encoding="utf-8").replace("sales.csv", "other.csv"))


def add_file(folder: Path) -> None:
    (folder / "notes.txt").write_text("mine")


@pytest.mark.parametrize(
    ("harm", "said"),
    [
        (damage_file, "has another SHA-256 than its manifest says"),
        (lose_folder, "statement JS-2026-01-MALL-001-v1 is closed but not in the outbox"),
        (break_chain, "is chained to another one than that of JS-2026-01-MALL-001-v1"),
        (add_file, "notes.txt is not in the manifest"),
    ],
)
def test_verifying_finds_what_happened_to_a_closed_statement(
    group: Group, harm: Callable[[Path], None], said: str
) -> None:
    restated(group)
    good = verify_statements(group.lake)
    assert (good.statement_count, good.file_count, good.faults) == (6, 12, ())
    harm(group.lake.outbox / "statements" / "2026-01" / "mall")
    assert any(said in fault for fault in verify_statements(group.lake).faults)


def test_a_damaged_statement_that_would_be_another_one_today_is_not_written_again(
    group: Group,
) -> None:
    restated(group)
    folder = group.lake.outbox / "statements" / "2026-01-v2" / "mall"
    damage_file(folder)
    import duckdb

    marts = group.lake.published / "current" / "marts.duckdb"
    with duckdb.connect(str(marts.resolve())) as connection:
        connection.execute("update dim_parties set legal_entity_name = '新名称有限公司'")
    with pytest.raises(Problem, match="what is published today would make another statement"):
        write_pack(group.settings, "2026-01")
    assert next(folder.glob("*.csv")).read_bytes() == b"torn"


@pytest.mark.parametrize("point", ["add_csv", "add_file", "finish"])
def test_a_closed_pack_that_was_killed_between_its_files_has_no_manifest_and_is_written_again(
    group: Group, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, point: str
) -> None:
    through(group, "2026-01", "freeze", "review", "confirm", "close")

    def stop(*_: Any, **__: Any) -> Any:
        raise KeyboardInterrupt

    with monkeypatch.context() as killed:
        killed.setattr(ExportFolder, point, stop)
        with pytest.raises(KeyboardInterrupt):
            write_pack(group.settings, "2026-01")
    assert list((group.lake.outbox / "statements").rglob("manifest.json")) == []
    write_pack(group.settings, "2026-01")
    other = Group(tmp_path / "other")
    other.publish(JAN_31, A, B)
    closed(other, "2026-01")
    assert files_of(group.lake.outbox) == files_of(other.lake.outbox)


def test_a_statement_is_not_chained_to_one_that_is_not_there(group: Group) -> None:
    through(group, "2026-01", "freeze", "review", "confirm", "close")
    group.publish(FEB_28, OWN)
    through(group, "2026-02", "freeze")
    with pytest.raises(
        Problem, match="JS-2026-01-HOTEL-001-v1, to which the one of 2026-02 is cha"
    ):
        write_pack(group.settings, "2026-02")


def test_the_manifest_names_inputs_rules_code_and_the_statement_before(group: Group) -> None:
    closed(group, "2026-01")
    first = group.lake.outbox / "statements" / "2026-01" / "mall" / "manifest.json"
    group.publish(FEB_28, OWN)
    closed(group, "2026-02")
    said = manifest(group, "2026-01")
    assert (said["rules_version"], said["code_version"]) == ("0f" * 32, "c0" * 32)
    assert [(entry["source_file"], entry["sha256"], entry["rows"]) for entry in said["inputs"]] == [
        ("sales.csv", "abc", 3)
    ]
    assert said["previous_manifest_sha256"] is None
    second = manifest(group, "2026-02")
    assert second["inputs"] == []
    assert second["previous_manifest_sha256"] == sha256(first.read_bytes()).hexdigest()
    assert second["statement_no"] == "JS-2026-02-MALL-002-v1"


def test_numbers_begin_again_each_year() -> None:
    issued = [Issued("mall", 2025, 12), Issued("mall", 2026, 1), Issued("hotel", 2026, 7)]
    assert next_number(issued, "mall", 2026) == 2
    assert next_number(issued, "mall", 2027) == 1
    assert statement_no("2026-11", "mall", 11, 1) == "JS-2026-11-MALL-011-v1"


@given(
    st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from([2025, 2026, 2027])), max_size=40)
)
def test_numbers_have_no_gap_whatever_the_order_of_parties_and_years(
    order: list[tuple[str, int]],
) -> None:
    issued: list[Issued] = []
    for party, year in order:
        issued.append(Issued(party, year, next_number(issued, party, year)))
    for party, year in set(order):
        numbers = [each.number for each in issued if each[:2] == (party, year)]
        assert numbers == list(range(1, len(numbers) + 1))


@given(
    st.lists(
        st.tuples(
            st.sampled_from([(2025, 11), (2025, 12), (2026, 1), (2026, 2)]),
            st.sets(st.sampled_from("abc"), min_size=1),
        ),
        max_size=4,
        unique_by=lambda each: each[0],
    )
)
def test_closes_on_disk_have_no_gap_and_a_later_version_keeps_the_number(
    tmp_path_factory: pytest.TempPathFactory, closes: list[tuple[tuple[int, int], set[str]]]
) -> None:
    lake = Lake(tmp_path_factory.mktemp("numbers"))
    for version in (1, 2):
        for (year, month), parties in closes:
            rows = [zero(date(year, month, 1), party) for party in sorted(parties)]
            write_totals(lake, f"{year}-{month:02d}", version, "2026-03-01-x", tuple(rows))
    for version in (1, 2):
        given_out: dict[tuple[str, int], list[int]] = {}
        for (year, month), _ in closes:
            for row in read_close(lake, f"{year}-{month:02d}", version) or ():
                given_out.setdefault((row["party"], year), []).append(row["statement_number"])
        for numbers in given_out.values():
            assert numbers == list(range(1, len(numbers) + 1))


def zero(month: date, party: str) -> dict[str, Any]:
    figures = ("opening_fen", "receivable_fen", "payable_fen", "closing_fen", "line_count")
    return {"period_month": month, "party": party, **dict.fromkeys(figures, 0)}


def test_the_command_takes_the_steps_and_says_what_comes_next(
    group: Group, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("exports.__main__.load_settings", lambda: group.settings)
    assert main(["close", "status", "--period", "2026-01"]) == 0
    assert main(["close", "freeze", "--period", "2026-01", "--by", "陈静"]) == 0
    assert main(["close", "review", "--period", "2026-01", "--by", "王芳", "--why", "ok"]) == 0
    assert main(["close", "confirm", "--period", "2026-01", "--by", "李强"]) == 0
    assert main(["close", "close", "--period", "2026-01", "--by", "陈静"]) == 0
    assert main(["statements", "--period", "2026-01"]) == 0
    assert main(["close", "status", "--period", "2026-01"]) == 0
    assert main(["statements", "verify"]) == 0
    said = capsys.readouterr().out.splitlines()
    command = "python -m exports close"
    assert said[:3] == [
        "2026-01 v1: provisional 草稿",
        f"next 下一步: {command} freeze --period 2026-01 --by WHO",
        f"2026-01 v1: frozen 已冻结; next: {command} review --period 2026-01 --by WHO",
    ]
    at = said.index("2026-01 v1: closed 已关账")
    assert said[at + 1 : at + 5] == [
        "  2026-01-31  v1 freeze by 陈静",
        "  2026-01-31  v1 review by 王芳: ok",
        "  2026-01-31  v1 confirm by 李强",
        "  2026-01-31  v1 close by 陈静",
    ]
    assert "  JS-2026-01-MALL-001-v1  -12.34" in said
    assert said[-1] == (
        "3 statements of 3 parties: 6 files, numbers, figures and chains are as they were written"
    )


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["freeze", "--by", "Unattended"], "--by Unattended is nobody"),
        (["freeze", "--by", "陈静", "--party", "mall"], "--party goes with confirm only"),
    ],
)
def test_the_command_refuses_what_would_say_nothing(
    group: Group, monkeypatch: pytest.MonkeyPatch, arguments: list[str], words: str
) -> None:
    monkeypatch.setattr("exports.__main__.load_settings", lambda: group.settings)
    with pytest.raises(Problem, match=words):
        main(["close", *arguments, "--period", "2026-01"])


def test_a_line_is_explained_down_to_its_rule_file_and_row(group: Group) -> None:
    closed(group, "2026-01")
    group.publish(FEB_10, LATE, OWN)
    said = list(answer(group.settings, "line", "L", None, None, False))
    assert said == [
        "发放 (accrual): 购物中心 付 pays 集团积分基金 ¥0.55",
        "  55 积分 points × 1.000000 分 fen = 55.000000 分, 尾差 rounding 0.000000 分 → 55 分",
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


def test_the_parties_of_the_example_are_those_of_its_statements(group: Group) -> None:
    closed(group, "2026-01")
    assert {row["party"] for row in read_close(group.lake, "2026-01", 1) or ()} == set(PARTIES)
