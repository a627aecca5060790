"""The gate: what landed is judged as a batch, and only the source that fails is taken back."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from ingest.core.contract import load_source, source_names
from ingest.core.errors import Problem
from ingest.core.settings import load_settings
from ingest.expectation_files import written_expectations
from ingest.gate import gate
from ingest.load import load
from tests.ingest.small_house import DAY, NEXT_DAY, House, build_house, read, sale

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


@pytest.fixture
def house(tmp_path: Path) -> House:
    house = build_house(tmp_path)
    write(house, WRITTEN.format(severity="critical"))
    return house


def write(house: House, text: str) -> None:
    path = house.contract_file("shop").with_name("_shop__expectations.yml")
    path.write_text(text, encoding="utf-8")


def load_all(house: House, sales: list[list[Any]], total: str) -> None:
    card = ["C1", "张伟", "13800000001", "", "", "是"]
    house.deliver_shop(sales, [card], total=total)
    house.deliver_inn(
        [], ['{"folio": "F1", "audit_date": "2026-10-29", "paid": "1.00"}'], total_fen=100
    )
    for source in ("shop", "inn"):
        load(house.settings, source, DAY)


def missed(outcomes: list[dict[str, object]]) -> list[tuple[object, ...]]:
    return [
        (row["source"], row["table_name"], row["expectation"], row["severity"])
        for row in outcomes
        if not row["is_met"]
    ]


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
    key = lambda row: tuple(map(str, row.values()))  # noqa: E731
    assert sorted(gate(house.settings, DAY), key=key) == sorted(first, key=key)


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
