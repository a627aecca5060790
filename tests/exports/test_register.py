"""The register lists every statement with its state, and what replaced it."""

import csv

from exports.statements.pack import write_pack
from exports.statements.packs import statements_folder
from exports.statements.register import write_register
from ingest.core.lake import Lake
from tests.exports.closing_group import Group, closed, restated

NUMBER, STATE, CLOSING, REPLACED_BY = 0, 2, 7, 9


def rows(group: Group) -> list[list[str]]:
    path = statements_folder(Lake(group.settings.lake)) / "register.csv"
    with path.open(encoding="utf-8-sig", newline="") as file:
        return [*csv.reader(file)][1:]


def test_a_closed_month_is_listed_as_its_manifests_say(group: Group) -> None:
    closed(group, "2026-01")
    listed = {row[NUMBER]: row for row in rows(group)}
    assert {row[STATE] for row in listed.values()} == {"已关账"}
    assert {row[REPLACED_BY] for row in listed.values()} == {""}
    assert sum(round(float(row[CLOSING]) * 100) for row in listed.values()) == 0


def test_a_restated_statement_is_void_and_names_the_one_that_replaced_it(group: Group) -> None:
    restated(group)
    january = {row[NUMBER]: row for row in rows(group) if row[NUMBER].startswith("JS-2026-01-MALL")}
    first, second = january["JS-2026-01-MALL-001-v1"], january["JS-2026-01-MALL-001-v2"]
    assert (first[STATE], first[REPLACED_BY]) == ("已作废", "JS-2026-01-MALL-001-v2")
    assert (second[STATE], second[REPLACED_BY]) == ("已关账", "")
    page = (statements_folder(Lake(group.settings.lake)) / "index.html").read_text("utf-8")
    assert '<a href="2026-01-v2/mall">' in page


def test_the_same_statements_make_the_same_register(group: Group) -> None:
    closed(group, "2026-01")
    lake = Lake(group.settings.lake)
    page = write_register(lake)
    before = [page.read_bytes(), (page.parent / "register.csv").read_bytes()]
    write_pack(group.settings, "2026-01")
    assert [page.read_bytes(), (page.parent / "register.csv").read_bytes()] == before
