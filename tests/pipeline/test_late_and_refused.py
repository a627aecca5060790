"""Deliveries that are missing, refused, late or bad in single rows, on nights of all businesses.

Continues the worked example (test_worked_example.py).
2 Nov  The hotel's control file is wrong, the car parks send nothing, the till sends a receipt with
       a quantity nobody can read, and a receipt for ¥50.00.
3 Nov  The hotel sends 2 Nov again and 3 Nov, the car parks 2 Nov and 3 Nov; the bad receipt was
       released as one piece, and the one for ¥50.00 comes again as ¥51.00, which is no correction.
4 Nov  The till exports fen where yuan were agreed, which only the gate can see. Of the receipts
       that contradict each other the one for ¥50.00 was released.
"""

import json
import shutil
from datetime import date, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from ingest.core.contract import Source, load_source, source_names
from ingest.core.lake import Lake
from ingest.core.settings import load_settings
from ingest.landing import write_delivery
from tests.pipeline import worked_example
from tests.pipeline.nights import must_run
from tests.pipeline.test_worked_example import rows

pytestmark = pytest.mark.long  # production nights, minutes each

SECOND, THIRD, FOURTH = date(2026, 11, 2), date(2026, 11, 3), date(2026, 11, 4)
CARD = "10000001"


def receipt(number: str, fen: int, day: int) -> dict[str, Any]:
    return worked_example.sale(number, CARD, datetime(2026, 11, day, 12, 0), fen)


def sources() -> dict[str, Source]:
    project = load_settings().dbt_project
    return {name: load_source(project, name) for name in source_names(project)}


def second_night(lake: Lake, source: Source) -> None:
    if source.name == "parking":
        return
    sales = pl.DataFrame([receipt("R8", 3_000, 2), receipt("R9", 5_000, 2)])
    bad = sales.with_columns(pl.col("quantity").cast(pl.String))
    bad = bad.with_columns(
        quantity=pl.when(receipt_no="R8").then(pl.lit("三")).otherwise("quantity")
    )
    write_delivery(lake, source, SECOND, {"sales": bad} if source.name == "pos" else {})
    if source.name == "hotel":
        control = lake.landing("hotel", SECOND) / "manifest_20261102.json"
        entry = json.loads(control.read_text())
        entry["files"][-1]["rows"] = 7
        control.write_text(json.dumps(entry))


def third_night(lake: Lake, source: Source) -> None:
    again = pl.DataFrame([receipt("R9", 5_100, 2)])
    write_delivery(lake, source, THIRD, {"sales": again} if source.name == "pos" else {})
    if source.name in ("hotel", "parking"):
        write_delivery(lake, source, SECOND, {}, night=THIRD)


def fourth_night(lake: Lake, source: Source) -> None:
    in_fen = pl.DataFrame([receipt("R10", 500_000_000, 4)])
    write_delivery(lake, source, FOURTH, {"sales": in_fen} if source.name == "pos" else {})


def release(lake: Path, sign: str, *more: str) -> None:
    """Release the till's row whose line of the list holds a sign."""
    listed = must_run(lake, "ingest", "quarantine", "ls", "--source", "pos")
    [row] = [line.split()[1] for line in listed.splitlines() if sign in line]
    decision = ["--by", "王芳", "--reason", "查过小票", *more]
    must_run(lake, "ingest", "quarantine", "release", row, *decision)


@pytest.fixture(scope="module")
def lakes(worked_lake: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, Path]:
    """The lake's publication of each of the three nights."""
    folder = tmp_path_factory.mktemp("late")
    shutil.copy(worked_lake.parent / "keys.json", folder / "keys.json")
    lake = folder / "lake"
    shutil.copytree(worked_lake, lake, symlinks=True)
    for source in sources().values():
        second_night(Lake(lake), source)
    must_run(lake, "dags", "run", "--date", SECOND.isoformat())
    before = folder / "second"
    shutil.copytree(lake / "published", before / "published", symlinks=True)
    [waiting] = rows(
        lake,
        "select quarantined_count from fct_load_reconciliation where source_file = "
        "'2026-11-02/销售流水_20261102.csv'",
    )
    assert waiting == (1,)
    release(lake, "三", "--set", "quantity=1")
    for source in sources().values():
        third_night(Lake(lake), source)
    must_run(lake, "dags", "run", "--date", THIRD.isoformat())
    after = folder / "third"
    shutil.copytree(lake / "published", after / "published", symlinks=True)
    release(lake, "销售流水_20261102.csv")
    for source in sources().values():
        fourth_night(Lake(lake), source)
    must_run(lake, "dags", "run", "--date", FOURTH.isoformat())
    return before, after, lake


def test_a_refused_or_missing_delivery_makes_its_business_provisional_and_no_other(
    lakes: tuple[Path, Path, Path],
) -> None:
    business = "select business, is_provisional, last_good_date::varchar from dim_businesses"
    assert rows(lakes[0], f"{business} where is_provisional order by all") == [
        ("hotel", True, "2026-11-01"),
        ("parking", True, "2026-11-01"),
    ]
    sound = rows(lakes[0], f"{business} where not is_provisional")
    assert {row[1:] for row in sound} == {(False, "2026-11-02")}
    assert {row[0] for row in sound} >= {"mall", "property"}
    assert {row[1:] for row in rows(lakes[1], business)} == {(False, "2026-11-03")}


def test_the_calendar_says_what_was_missing_and_when_it_came(
    lakes: tuple[Path, Path, Path],
) -> None:
    calendar = """
        select source, status, load_date::varchar, is_gap, is_out_of_order
        from fct_delivery_calendar where business_date = '2026-11-02' order by all
    """
    second, third = ({row[0]: row[1:] for row in rows(lake, calendar)} for lake in lakes[:2])
    assert second.pop("hotel") == ("refused", None, True, False)
    assert second.pop("parking") == ("missing", None, True, False)
    assert second.keys() >= {"pos", "property"}
    assert set(second.values()) == {("on_time", "2026-11-02", False, False)}
    late = ("late", "2026-11-03", False, False)
    assert {name for name, row in third.items() if row == late} == {"hotel", "parking"}


def test_what_was_refused_and_why_can_be_read_in_the_reconciliation(
    lakes: tuple[Path, Path, Path],
) -> None:
    refused = rows(
        lakes[0],
        "select distinct status, reason, is_balanced from fct_load_reconciliation "
        "where source = 'hotel' and business_date = '2026-11-02'",
    )
    [(status, reason, is_balanced)] = refused
    assert (status, is_balanced) == ("refused", True)
    assert "folios_20261102.jsonl has 0 rows, its control file says 7" in reason


def test_a_released_row_flows_in_late_and_a_contradicted_one_goes(
    lakes: tuple[Path, Path, Path],
) -> None:
    receipts = """
        select document_no, paid_fen from fct_activities
        where activity_type = 'purchase' and document_no in ('R8', 'R9') order by all
    """
    assert rows(lakes[0], receipts) == [("R9", 5_000)]
    assert rows(lakes[1], receipts) == [("R8", 3_000)]
    outcomes = """
        select source_file, row_count, loaded_count, quarantined_count, loaded_total_fen,
            quarantined_total_fen
        from fct_load_reconciliation
        where source = 'pos' and table_name = 'sales' and business_date > '2026-11-01' order by all
    """
    assert rows(lakes[0], outcomes) == [("2026-11-02/销售流水_20261102.csv", 2, 1, 1, 5_000, 3_000)]
    assert rows(lakes[1], outcomes) == [
        ("2026-11-02/销售流水_20261102.csv", 2, 1, 1, 3_000, 5_000),
        ("2026-11-03/销售流水_20261103.csv", 1, 0, 1, 0, 5_100),
    ]


def test_every_file_is_balanced_on_every_night(lakes: tuple[Path, Path, Path]) -> None:
    for lake in lakes:
        assert rows(lake, "select count(*) from fct_load_reconciliation where not is_balanced") == [
            (0,)
        ]


def test_a_batch_that_fails_at_the_gate_is_taken_back_and_what_was_released_that_night_stays(
    lakes: tuple[Path, Path, Path],
) -> None:
    business = "select business, last_good_date::varchar from dim_businesses where is_provisional"
    assert rows(lakes[2], business) == [("mall", "2026-11-03")]
    gate = """
        select distinct status, reason, row_count from fct_load_reconciliation
        where source = 'pos' and business_date = '2026-11-04'
    """
    [(status, reason, row_count)] = rows(lakes[2], gate)
    assert (status, row_count) == ("refused", None)
    assert reason.startswith("gate: sales: amounts look like yuan, not fen")
    receipts = """
        select document_no, paid_fen from fct_activities
        where activity_type = 'purchase' and document_no in ('R8', 'R9', 'R10') order by all
    """
    assert rows(lakes[2], receipts) == [("R8", 3_000), ("R9", 5_000)]
    failing = "select table_name, row_key from fct_batch_failing_rows"
    assert rows(lakes[2], failing) == [("sales", "mean_fen=500000000.0")]
