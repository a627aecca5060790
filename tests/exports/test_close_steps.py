"""The steps of a close: which is possible when, for whom, and what each writes down."""

from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from exports.__main__ import main
from exports.closes import steps, workflow
from exports.closes.totals import SCHEMA, read_close
from exports.statements.pack import write_pack
from ingest.core.errors import Problem
from ingest.core.lake import write_parquet
from tests.exports.closing_group import (
    FEB_1,
    FEB_10,
    JAN_31,
    LATE,
    OWN,
    A,
    B,
    Group,
    Line,
    Take,
    closed,
    drafts_of,
    history,
    manifest,
    through,
)


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
    rows = read_close(group.lake, "2026-01", 1) or ()
    changed = [{**row, "line_count": 9} for row in rows]
    write_parquet(pa.Table.from_pylist(changed, SCHEMA), group.lake.close("2026-01"))
    with pytest.raises(Problem, match="is not what was frozen; restore it from a backup"):
        workflow.review(group.settings, "2026-01", "王芳")


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
        "3 statements of 3 parties: 15 files, numbers, figures, chains and signatures"
        " are as they were written"
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
