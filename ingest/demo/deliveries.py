"""Lets the group live day after day, and hands over what each business writes down."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import asdict
from datetime import timedelta

import polars as pl
from rich.console import Console
from rich.progress import Progress

from ingest.core.contract import Source
from ingest.core.lake import write_bytes, write_parquet
from ingest.demo.faults import RATES, soil
from ingest.demo.files import DemoLake, json_bytes
from ingest.demo.hotel import Hotel
from ingest.demo.mall import Mall
from ingest.demo.parking import Parking
from ingest.demo.people import People, make_people
from ingest.demo.property import PropertyManagement
from ingest.demo.wallet import Wallet
from ingest.demo.world import Business, Group, Span, chance

SOURCES = ("pos", "hotel", "property", "parking")  # in the order in which a day's points are spent

Pieces = dict[str, dict[str, list[pl.DataFrame]]]


def make_deliveries(demo: DemoLake, group: Group, sources: Sequence[Source]) -> int:
    """Make every delivery, the truth and the facts; the number of rows delivered.

    Raises Problem if a landing folder already holds something else.
    """
    people = make_people(group)
    businesses = _open_businesses(group, people)
    wallet = Wallet(people.count)
    rows: Counter[str] = Counter()
    hazards: Counter[str] = Counter()
    deliveries = list(group.deliveries())
    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("demo group", total=sum(len(spans) + 1 for _, spans in deliveries))
        for number, (business_date, spans) in enumerate(deliveries):
            pieces: Pieces = {business.source: defaultdict(list) for business in businesses}
            for span in spans:
                _live(businesses, span, wallet, pieces)
                progress.advance(task)
            for business, source in zip(businesses, sources, strict=True):
                masters = business.masters(spans[-1].last_day, number == 0)
                events = {
                    name: pl.concat(frames) for name, frames in pieces.pop(source.name).items()
                }
                tables = {}
                for name, frame in {**masters, **events}.items():
                    rng = chance(group, "faults", source.name, name, spans[-1].last_day)
                    tables[name], made = soil(frame, source.table(name), rng, number == 0)
                    hazards.update(made)
                    rows[f"{source.name}.{name}"] += tables[name].height
                demo.hand_over(source, business_date, tables)
            progress.advance(task)
    last_day = deliveries[-1][1][-1].last_day
    _write_truth(demo, businesses, people, last_day)
    _write_facts(demo, group, businesses, last_day, hazards, rows)
    return rows.total()


def _open_businesses(group: Group, people: People) -> list[Business]:
    mall, hotel = Mall(group, people), Hotel(group, people)
    property_management = PropertyManagement(group, people)
    named = [mall.accounts, hotel.accounts, property_management.accounts]
    return [mall, hotel, property_management, Parking(group, people, named)]


def _live(businesses: Sequence[Business], span: Span, wallet: Wallet, pieces: Pieces) -> None:
    """Let a span of days happen everywhere; points spent in one business are gone in the next."""
    wallet.open(span.first_day)
    for business in businesses:
        for name, frame in business.activity(span, wallet).items():
            pieces[business.source][name].append(frame)
    wallet.close()


def _write_truth(
    demo: DemoLake, businesses: Sequence[Business], people: People, last_day: int
) -> None:
    """Who is behind every account that was delivered, by source and account."""
    households = pl.Series(people.household)
    frames = []
    for business in businesses:
        truth = business.truth(last_day)
        frames.append(
            truth.select(
                pl.lit(business.source).alias("source"),
                "account_id",
                ("P" + pl.col("person").cast(pl.String).str.zfill(7)).alias("person_id"),
                ("H" + households.gather(truth["person"]).cast(pl.String).str.zfill(7)).alias(
                    "household_id"
                ),
            )
        )
    write_parquet(pl.concat(frames).sort("source", "account_id").to_arrow(), demo.truth)


def _write_facts(
    demo: DemoLake,
    group: Group,
    businesses: Sequence[Business],
    last_day: int,
    row_faults: Counter[str],
    rows: Counter[str],
) -> None:
    last_night = group.first_night + timedelta(days=group.night_count - 1)
    facts = {
        "arguments": {**asdict(group), "first_night": group.first_night.isoformat()},
        "last_night": last_night.isoformat(),
        "rates": asdict(RATES),
        "hazards": {business.source: dict(business.facts(last_day)) for business in businesses},
        "row_faults": dict(sorted(row_faults.items())),
        "rows": dict(rows),
    }
    write_bytes(demo.facts, json_bytes(facts))
