"""Four nights of the demo group in which everything happens that engines could tell differently.

On top of the group's own refunds and tier changes: the second night's parking files come a night
late, a paid amount is corrected by a second delivery of its date, a receipt comes again that says
something else and is nobody's correction, and a driver takes over somebody else's number.
"""

import csv
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import polars as pl

from ingest.core.contract import Source, load_source
from ingest.core.lake import Lake
from ingest.core.settings import load_settings
from ingest.landing import write_delivery
from tests.pipeline.nights import must_run

PEOPLE = 600
NIGHTS = [date(2026, 10, 29) + timedelta(days=days) for days in range(4)]
Tables = dict[str, pl.DataFrame]


def write_landing(lake: Path) -> None:
    """Make the group's deliveries and change those of the car parks."""
    must_run(lake, "ingest", "keys")
    first = ["--from", NIGHTS[0].isoformat(), "--nights", str(len(NIGHTS))]
    must_run(lake, "ingest", "demo", "--people", str(PEOPLE), *first)
    parking, pos = (load_source(load_settings().dbt_project, name) for name in ("parking", "pos"))
    landing = Lake(lake).landing
    history, fourth = _parking(lake, NIGHTS[0]), _parking(lake, NIGHTS[3])
    for path in landing("parking", NIGHTS[1]).iterdir():
        path.rename(landing("parking", NIGHTS[2]) / path.name)
    fourth["vehicles"] = pl.concat([_taken_over(history["vehicles"]), fourth["vehicles"]])
    write_delivery(Lake(lake), parking, NIGHTS[3], fourth)
    correction = {"payments": _corrected_payment(history)}
    write_delivery(Lake(lake), parking, NIGHTS[0], correction, night=NIGHTS[3], sequence=2)
    _contradict_a_receipt(lake, pos)


def _contradict_a_receipt(lake: Path, pos: Source) -> None:
    """The third night's till hands a line of the second over again, one yuan dearer."""
    table = pos.table("sales")
    second, third = (Lake(lake).landing("pos", night) for night in NIGHTS[1:3])
    name = table.file_name(NIGHTS[2])
    line = (second / table.file_name(NIGHTS[1])).read_text("gb18030").splitlines()[1].split(",")
    place = [column.name for column in table.columns].index("paid_fen")
    amount = Decimal(line[place]) + 1
    line[place] = f"{amount}"
    with (third / name).open("a", encoding="gb18030", newline="") as file:
        file.write(",".join(line) + "\r\n")
    control = third / pos.control.file_name(NIGHTS[2])
    rows = list(csv.reader(control.read_text("gb18030").splitlines()))
    for row in rows:
        if row[0] == name:
            row[1:] = [str(int(row[1]) + 1), f"{Decimal(row[2]) + amount}"]
    text = "".join(",".join(row) + "\r\n" for row in rows)
    control.write_bytes(text.encode("gb18030"))


def _parking(lake: Path, night: date) -> Tables:
    folder = Lake(lake).landing("parking", night)
    return {
        path.name.rpartition("_")[0]: pl.read_parquet(path)
        for path in sorted(folder.glob("*.parquet"))
    }


def _corrected_payment(tables: Tables) -> pl.DataFrame:
    """A member's payment of the history again, six yuan cheaper."""
    bound = tables["vehicles"].filter(pl.col("unbound_date").is_null())
    sessions = tables["sessions"].join(bound, on="plate_no")
    after_binding = sessions.filter(pl.col("exited_at").dt.date() > pl.col("bound_date"))
    paid = tables["payments"].join(after_binding, on="session_no", how="semi")
    chosen = paid.filter(pl.col("paid_fen") > 1_000).sort("payment_no").tail(1)
    return chosen.with_columns(pl.col("paid_fen") - 600)


def _taken_over(vehicles: pl.DataFrame) -> pl.DataFrame:
    """The first driver with a number, now with that of the second one."""
    reachable = vehicles.filter(
        pl.col("mobile").is_not_null() & pl.col("unbound_date").is_null()
    ).unique("mobile", keep="none", maintain_order=True)
    return reachable.head(1).with_columns(pl.lit(reachable["mobile"][1]).alias("mobile"))
