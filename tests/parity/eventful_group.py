"""Four nights of the demo group in which everything happens that engines could tell differently.

On top of the group's own refunds and tier changes: the second night's parking files come a night
late, a paid amount is corrected, and a driver takes over somebody else's number.
"""

from datetime import date, timedelta
from pathlib import Path

import polars as pl

from ingest.core.contract import load_source
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
    history, second, third, fourth = (_parking(lake, night) for night in NIGHTS)
    late = {name: pl.concat([second[name], third[name]]) for name in third}
    fourth["payments"] = pl.concat([_corrected_payment(history), fourth["payments"]])
    fourth["vehicles"] = pl.concat([_taken_over(history["vehicles"]), fourth["vehicles"]])
    source = load_source(load_settings().dbt_project, "parking")
    for night, tables in zip(NIGHTS[1:], ({}, late, fourth), strict=True):
        write_delivery(Lake(lake), source, night, tables)


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
