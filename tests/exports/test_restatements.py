"""Restating a closed month: two people, a second version beside the first, no line twice."""

from datetime import date

import pytest

from exports.closes import workflow
from exports.nightly import export
from exports.statements.pack import write_pack
from exports.statements.verify import verify_statements
from ingest.core.errors import Problem
from tests.exports.closing_group import (
    FEB_10,
    FEB_11,
    FEB_28,
    JAN_31,
    LATE,
    OWN,
    Group,
    Line,
    closed,
    drafts_of,
    files_of,
    history,
    lines_of,
    manifest,
    restated,
    sheet_of,
    through,
)


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
