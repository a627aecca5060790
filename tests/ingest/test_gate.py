"""The gate: what landed is judged as a batch, and only the source that fails is taken back."""

import json
import re
import shutil
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from ingest.core.contract import load_source, source_names
from ingest.core.errors import Problem
from ingest.core.settings import load_settings
from ingest.expectation_files import written_expectations
from ingest.gate import gate
from ingest.load import load
from ingest.quarantine import quarantined_rows
from ingest.quarantine_commands import main as quarantine
from tests.ingest.small_house import DAY, NEXT_DAY, House, build_house, read, sale
from tests.ingest.what_counts import reconciliation

WRITTEN = """
expectations:
  - table: sales
    description: no receipt for free
    severity: {severity}
    unexpected: select receipt from {{sales}} where paid_fen = 0
  - table: cards
    description: as many cards as ever
    severity: warning
    unexpected: >
      select 1 from (select count(*) as n from {{cards}}) as tonight
      cross join (select count(*) as n from {{cards_before}}) as before where tonight.n < before.n
"""
TOMORROW = "2026-10-30 04:00:00"  # which no receipt may have yet
ACROSS = """
expectations:
  - table: sales
    description: the inn knows every receipt
    unexpected: >
      select receipt, line, _source_file, _source_row from {sales}
      where receipt not in (select folio from {inn.folios})
"""
FREE_STAY = """
expectations:
  - table: folios
    description: no stay for free
    unexpected: select paid_fen, audit_date from {folios} where paid_fen = 0
"""


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> House:
    house = build_house(tmp_path)
    monkeypatch.setattr("ingest.quarantine_commands.load_settings", lambda: house.settings)
    write(house, WRITTEN.format(severity="critical"))
    return house


def write(house: House, text: str, source: str = "shop") -> None:
    path = house.contract_file(source).with_name(f"_{source}__expectations.yml")
    path.write_text(text, encoding="utf-8")


def load_all(house: House, sales: list[list[Any]], total: str, paid_fen: int = 100) -> None:
    card = ["C1", "张伟", "13800000001", "", "", "是"]
    house.deliver_shop(sales, [card], total=total)
    folio = {"folio": "F1", "audit_date": "2026-10-29", "paid": f"{paid_fen // 100}.00"}
    house.deliver_inn([], [json.dumps(folio)], total_fen=paid_fen)
    for source in ("shop", "inn"):
        load(house.settings, source, DAY)


def missed(outcomes: list[dict[str, object]]) -> list[tuple[object, ...]]:
    return [
        (row["source"], row["table_name"], row["expectation"], row["severity"])
        for row in outcomes
        if row["is_met"] is False
    ]


def not_judged(outcomes: list[dict[str, object]]) -> list[tuple[object, ...]]:
    return [
        (row["source"], row["expectation"], row["observed"])
        for row in outcomes
        if row["is_met"] is None
    ]


def failing_rows(house: House, night: date = DAY) -> list[tuple[object, ...]]:
    rows = read(house.lake.raw_night("failing_rows", night))
    return [tuple(row.values()) for row in rows]


def test_a_batch_that_fails_is_taken_back_and_no_other(house: House) -> None:
    load_all(house, [sale("R1"), sale("R2", "0.00")], "1.00")
    outcomes = gate(house.settings, DAY)
    assert missed(outcomes) == [("shop", "sales", "no receipt for free", "critical")]
    assert house.raw("shop", "sales") == house.raw("shop", "cards") == []
    assert house.rows("restricted", "shop", "cards") == []
    assert len(house.raw("inn", "folios")) == 1
    statuses = {row["status"] for row in read(house.lake.deliveries("shop", DAY))}
    assert statuses == {"refused"}
    reason = read(house.lake.deliveries("shop", DAY))[0]["reason"]
    assert reason == "gate: sales: no receipt for free: found 1"
    kept = read(house.lake.raw_night("expectations", DAY))
    assert missed(kept) == missed(outcomes)


def test_judging_again_after_taking_back_says_the_same(house: House) -> None:
    load_all(house, [sale("R2", "0.00")], "0.00")
    first = gate(house.settings, DAY)
    assert gate(house.settings, DAY) == first


def test_a_gate_that_was_killed_while_it_took_back_finishes_when_it_runs_again(
    house: House,
) -> None:
    load_all(house, [sale("R2", "0.00")], "0.00")
    loaded = house.lake.partition("raw", "shop", "sales", DAY)
    shutil.copytree(loaded, aside := house.lake.work / "aside")
    first = gate(house.settings, DAY)
    shutil.copytree(aside, loaded)
    assert gate(house.settings, DAY) == first
    assert house.raw("shop", "sales") == []


def released_before(house: House, sales: list[list[Any]]) -> None:
    """DAY brings sales of which one row is quarantined, and released for NEXT_DAY."""
    house.deliver_shop(sales, total="3.00")
    load(house.settings, "shop", DAY)
    [row] = quarantined_rows(house.lake, load_source(house.settings.dbt_project, "shop"))
    decision = ["--by", "王芳", "--reason", "查过小票"]
    assert quarantine(["release", row.quarantine_id, *decision]) == 0


def test_a_row_that_a_person_released_stays_when_the_nights_batch_is_taken_back(
    house: House,
) -> None:
    released_before(house, [sale("R1", "1.00", TOMORROW), sale("R2", "2.00")])
    house.deliver_shop([sale("R3", "0.00")], day=NEXT_DAY)
    load(house.settings, "shop", NEXT_DAY)
    assert missed(gate(house.settings, NEXT_DAY)) == [
        ("shop", "sales", "no receipt for free", "critical")
    ]
    [kept] = house.raw("shop", "sales", NEXT_DAY)
    assert (kept["receipt"], kept["paid_fen"]) == ("R1", 100)
    first, second = reconciliation(house, "shop", "sales", NEXT_DAY)
    counts = ("row_count", "loaded_count", "quarantined_count", "loaded_total_fen", "is_balanced")
    assert [first[name] for name in counts] == [2, 2, 0, 300, True]
    assert (second["status"], second["is_balanced"]) == ("refused", True)


def test_a_released_row_is_not_judged_with_tonights_batch(house: House) -> None:
    write(house, WRITTEN.format(severity="critical").replace("paid_fen = 0", "paid_fen = 300"))
    released_before(house, [sale("R1", "3.00", line=100)])
    house.deliver_shop([sale("R3")], day=NEXT_DAY, total="1.00")
    load(house.settings, "shop", NEXT_DAY)
    assert missed(gate(house.settings, NEXT_DAY)) == []
    assert [row["line"] for row in house.raw("shop", "sales", NEXT_DAY)] == [1, 100]


def test_a_file_that_the_gate_refused_is_recorded_like_one_that_was_never_taken_in(
    house: House,
) -> None:
    load_all(house, [sale("R1")], "1.00")
    sales = [sale("R2", "1.00", "2026-10-31 04:00:00"), sale("R3", "0.00")]
    house.deliver_shop(sales, day=NEXT_DAY, total="1.00")
    load(house.settings, "shop", NEXT_DAY)
    assert len(house.quarantined("shop", "sales", NEXT_DAY)) == 1
    gate(house.settings, NEXT_DAY)
    assert house.quarantined("shop", "sales", NEXT_DAY) == []
    _, reconciled = reconciliation(house, "shop", "sales", NEXT_DAY)
    assert (reconciled["quarantined_count"], reconciled["quarantined_total_fen"]) == (0, 0)
    refused = said_of_sales(house)
    house.deliver_shop(sales, day=NEXT_DAY, total="9.00")
    load(house.settings, "shop", NEXT_DAY)
    assert said_of_sales(house) == refused


def said_of_sales(house: House) -> set[str]:
    """What the ledger of NEXT_DAY knows of the file of sales."""
    records = read(house.lake.deliveries("shop", NEXT_DAY))
    [record] = [record for record in records if record["table_name"] == "sales"]
    return {name for name, value in record.items() if value is not None}


def test_what_only_warns_is_written_down_and_goes_on(house: House) -> None:
    write(house, WRITTEN.format(severity="warning"))
    load_all(house, [sale("R2", "0.00")], "0.00")
    assert missed(gate(house.settings, DAY)) == [
        ("shop", "sales", "no receipt for free", "warning")
    ]
    assert len(house.raw("shop", "sales")) == 1


def test_a_batch_is_compared_with_those_of_the_four_weeks_before(house: House) -> None:
    load_all(house, [sale("R1")], "1.00")
    for days, is_missed in ((28, True), (29, False)):
        night = DAY + timedelta(days=days)
        house.deliver_shop([], [], day=night)
        load(house.settings, "shop", night)
        assert bool(missed(gate(house.settings, night))) is is_missed


def test_a_source_that_blocks_the_night_stops_at_the_gate(house: House) -> None:
    contract = house.contract_file("shop")
    text = contract.read_text(encoding="utf-8")
    contract.write_text(text.replace("control:", "lateness: {policy: block}\n      control:", 1))
    load_all(house, [sale("R2", "0.00")], "0.00")
    with pytest.raises(Problem, match="shop blocks the night: gate: sales: no receipt for free"):
        gate(house.settings, DAY)
    assert len(house.raw("shop", "sales")) == 1


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("table: sales", "table: sails", "yml:3:5: shop has no table 'sails'"),
        (
            "{sales} where",
            "{sails} where",
            "yml:6:5: {sails} is none of cards, cards_before, sales, sales_before",
        ),
        ("{sales} where", "{Sales} where", "yml:6:5: {Sales} is none of cards, cards_before, sal"),
        (
            "{sales} where",
            "{inn.rooms} where",
            "yml:6:5: {inn.rooms} is none of inn.folios, inn.folios_before, inn.guests, inn.gue",
        ),
        (
            "{sales} where",
            "{pub.sales} where",
            "yml:6:5: {pub.sales}: 'pub' is none of gate, inn",
        ),
        ("severity: critical", "severity: fatal", "severity: should be 'critical' or 'warning'"),
    ],
)
def test_a_mistake_in_an_expectation_names_its_line(
    house: House, old: str, new: str, reason: str
) -> None:
    write(house, WRITTEN.format(severity="critical").replace(old, new))
    source = load_source(house.settings.dbt_project, "shop")
    with pytest.raises(Problem) as problem:
        written_expectations(house.settings.dbt_project, source)
    assert reason in str(problem.value)


def test_an_expectation_across_sources_fails_the_source_that_owns_its_table(
    house: House,
) -> None:
    write(house, ACROSS)
    load_all(house, [sale("F1"), sale("R9", "2.00", line=3)], "3.00")
    outcomes = gate(house.settings, DAY)
    assert missed(outcomes) == [("shop", "sales", "the inn knows every receipt", "critical")]
    assert house.raw("shop", "sales") == []
    assert len(house.raw("inn", "folios")) == 1
    file = "2026-10-29/销售_20261029.csv"
    row = ("shop", "sales", "the inn knows every receipt", 1, "receipt=R9, line=3", file, 2)
    assert failing_rows(house) == [row]


def test_an_expectation_across_sources_reads_what_the_other_brought_before(house: House) -> None:
    write(house, ACROSS.replace("{inn.folios}", "{inn.folios_before}"))
    load_all(house, [], "0.00")
    house.deliver_shop([sale("F1")], day=NEXT_DAY, total="1.00")
    load(house.settings, "shop", NEXT_DAY)
    outcomes = gate(house.settings, NEXT_DAY)
    assert (missed(outcomes), not_judged(outcomes)) == ([], [])
    assert len(house.raw("shop", "sales", NEXT_DAY)) == 1


def test_no_source_is_held_against_another_one_that_brought_nothing(house: House) -> None:
    write(house, ACROSS)
    house.deliver_shop([sale("R9")], total="1.00")
    load(house.settings, "shop", DAY)
    outcomes = gate(house.settings, DAY)
    observed = "not judged: nothing of inn.folios counts tonight"
    assert not_judged(outcomes) == [("shop", "the inn knows every receipt", observed)]
    assert missed(outcomes) == []
    assert len(house.raw("shop", "sales")) == 1


def test_an_empty_file_is_something_to_be_held_against(house: House) -> None:
    write(house, ACROSS)
    house.deliver_shop([sale("R9")], total="1.00")
    house.deliver_inn([], [])
    for source in ("shop", "inn"):
        load(house.settings, source, DAY)
    assert len(missed(gate(house.settings, DAY))) == 1


def test_no_source_is_held_against_another_one_that_is_taken_back(house: House) -> None:
    write(house, ACROSS)
    write(house, FREE_STAY, "inn")
    load_all(house, [sale("R9")], "1.00", paid_fen=0)
    first = gate(house.settings, DAY)
    assert missed(first) == [("inn", "folios", "no stay for free", "critical")]
    assert [row[0] for row in not_judged(first)] == ["shop"]
    assert (len(house.raw("shop", "sales")), house.raw("inn", "folios")) == (1, [])
    assert gate(house.settings, DAY) == first


def test_what_was_found_before_another_source_was_taken_back_is_kept(house: House) -> None:
    write(house, ACROSS.replace("    unexpected", "    severity: warning\n    unexpected"))
    unsold = "select folio from {folios} where folio not in (select receipt from {shop.sales})"
    free = "select paid_fen, audit_date from {folios} where paid_fen = 0"
    write(house, FREE_STAY.replace(free, unsold), "inn")
    load_all(house, [sale("R9")], "1.00")
    first = gate(house.settings, DAY)
    assert [row[0] for row in missed(first)] == ["inn", "shop"]
    assert (len(house.raw("shop", "sales")), house.raw("inn", "folios")) == (1, [])
    rows = failing_rows(house)
    assert [row[4] for row in rows] == ["folio=F1", "receipt=R9, line=1"]
    assert gate(house.settings, DAY) == first
    assert failing_rows(house) == rows


def test_rows_that_fail_are_kept_with_key_file_and_row_and_all_are_counted(house: House) -> None:
    write(house, WRITTEN.format(severity="warning"))
    free = [sale(f"R{number:04}", "0.00") for number in range(1_001)]
    load_all(house, free, "0.00")
    [outcome] = [row for row in gate(house.settings, DAY) if row["is_met"] is False]
    assert outcome["failing_count"] == 1_001
    rows = failing_rows(house)
    assert len(rows) == 1_000
    assert rows[0][2:] == ("no receipt for free", 1, "receipt=R0000", None, None)
    assert rows[-1][2:5] == ("no receipt for free", 1_000, "receipt=R0999")


def test_rows_without_a_key_are_kept_with_what_is_not_personal(house: House) -> None:
    write(
        house,
        """
        expectations:
          - table: cards
            description: nobody called Zhang
            severity: warning
            unexpected: >
              select name_masked, mobile_token, is_consented, count(*) as "people's count"
              from {cards} group by all
        """,
    )
    write(house, FREE_STAY.replace("audit_date", "_source_file, audit_date"), "inn")
    load_all(house, [], "0.00", paid_fen=0)
    gate(house.settings, DAY)
    file = "2026-10-29/folios_20261029.jsonl"
    assert [row[4:] for row in failing_rows(house)] == [
        ("paid_fen=0, audit_date=2026-10-29", file, None),
        ("is_consented=true, people's count=1", None, None),
    ]


def test_the_docs_have_a_page_for_each_table_and_say_the_same_bytes_again(house: House) -> None:
    load_all(house, [sale("R1"), sale("R2", "0.00")], "1.00")
    gate(house.settings, DAY)
    folder = house.lake.data_docs("batches")
    pages = {path.name: path.read_bytes() for path in folder.iterdir()}
    sales = pages["shop__sales.html"].decode()
    assert "no receipt for free" in sales
    assert "1 项不符合" in sales
    assert not re.search(r"https?:|<script|<link|url\(|R2", sales)
    assert '<a href="shop__sales.html">shop.sales</a>' in pages["index.html"].decode()
    assert len(pages) == 1 + 2 + 2 + 1
    gate(house.settings, DAY)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == pages


def test_a_check_that_breaks_is_told_without_a_trace(house: House) -> None:
    write(house, FREE_STAY.replace("paid_fen = 0", "cast(folio as int) = 0"), "inn")
    load_all(house, [], "0.00")
    [outcome] = [row for row in gate(house.settings, DAY) if not row["is_met"]]
    assert "could not be checked" in str(outcome["observed"])
    assert "F1" not in str(outcome["observed"])
    page = (house.lake.data_docs("batches") / "inn__folios.html").read_text(encoding="utf-8")
    assert "could not be checked" in page
    assert not re.search("Traceback|Conversion|F1", page)


def test_the_suites_of_all_real_sources_accept_a_night_without_rows(tmp_path: Path) -> None:
    settings = load_settings({"LAKE_ROOT": str(tmp_path / "lake")})
    outcomes = gate(settings, NEXT_DAY)
    sources = {str(row["source"]) for row in outcomes}
    assert sources == set(source_names(settings.dbt_project))
    assert missed(outcomes) == []
    columns = [
        column
        for name in sorted(sources)
        for table in load_source(settings.dbt_project, name).tables
        for column in table.columns
    ]
    assert len(outcomes) > sum(column.required for column in columns)
