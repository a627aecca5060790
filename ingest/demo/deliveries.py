"""Lets the group live day after day, and hands over what each business writes down."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import date, timedelta
from importlib import import_module
from importlib.util import find_spec

import polars as pl
from rich.console import Console
from rich.progress import Progress

from ingest.core.contract import Source
from ingest.core.lake import write_bytes, write_parquet
from ingest.demo.business import Business
from ingest.demo.faults import RATES, soil
from ingest.demo.files import DemoLake, json_bytes
from ingest.demo.people import People, make_people
from ingest.demo.wallet import Wallet
from ingest.demo.world import Frames, Group, Span, chance, day_number

# Points are spent in this order within a day; businesses that joined the group later come last.
SPENDING_ORDER = (
    "ingest.demo.mall",
    "ingest.demo.hotel",
    "ingest.demo.property",
    "ingest.demo.parking",
)

Pieces = dict[str, dict[str, list[pl.DataFrame]]]


def make_deliveries(demo: DemoLake, group: Group, sources: Sequence[Source]) -> int:
    """Make every delivery, the truth and the facts; the number of rows delivered.

    A source whose business has no module here delivers empty files. Raises Problem if a landing
    folder already holds something else.
    """
    people = make_people(group)
    businesses = _open_businesses(group, people, sources)
    wallet = Wallet(people.count)
    rows: Counter[str] = Counter()
    faults: Counter[str] = Counter()
    deliveries = list(group.deliveries())
    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("demo group", total=sum(len(spans) + 1 for _, spans in deliveries))
        for business_date, spans in deliveries:
            pieces: Pieces = {source.name: defaultdict(list) for source in sources}
            for span in spans:
                _live(businesses, span, wallet, pieces)
                progress.advance(task)
            for business in businesses:
                masters = business.masters(spans[-1].last_day, business_date == group.first_night)
                _put(pieces, business, masters)
            for source in sources:
                tables = {name: pl.concat(it) for name, it in pieces.pop(source.name).items()}
                tables = _soiled(group, source, business_date, tables, faults)
                rows.update({f"{source.name}.{name}": it.height for name, it in tables.items()})
                demo.hand_over(source, business_date, tables)
            progress.advance(task)
    last_day = deliveries[-1][1][-1].last_day
    _write_truth(demo, businesses, people, last_day)
    _write_facts(demo, group, businesses, last_day, faults, rows)
    return rows.total()


def _open_businesses(group: Group, people: People, sources: Sequence[Source]) -> list[Business]:
    """The businesses that have a module here, in the order in which points are spent."""
    places = {name: place for place, name in enumerate(SPENDING_ORDER)}
    modules = sorted(
        {f"ingest.demo.{source.business}" for source in sources},
        key=lambda name: (places.get(name, len(places)), name),
    )
    businesses: list[Business] = [
        import_module(name).BUSINESS(group, people) for name in modules if find_spec(name)
    ]
    for business in businesses:
        business.meet([other for other in businesses if other is not business])
    return businesses


def _soiled(
    group: Group,
    source: Source,
    business_date: date,
    tables: Mapping[str, pl.DataFrame],
    faults: Counter[str],
) -> dict[str, pl.DataFrame]:
    """The tables with the faults of their rows, which are counted."""
    soiled = {}
    for name, frame in sorted(tables.items()):
        rng = chance(group, "faults", source.name, name, day_number(business_date))
        is_first = business_date == group.first_night
        soiled[name], made = soil(frame, source.table(name), rng, is_first)
        faults.update(made)
    return soiled


def _live(businesses: Sequence[Business], span: Span, wallet: Wallet, pieces: Pieces) -> None:
    """Let a span of days happen everywhere; points spent in one business are gone in the next."""
    wallet.open(span.first_day)
    for business in businesses:
        _put(pieces, business, business.activity(span, wallet))
    wallet.close()


def _put(pieces: Pieces, business: Business, frames: Frames) -> None:
    """Put rows of a business with the systems that hand them over, if these do deliver."""
    for name, frame in frames.items():
        source = business.source_of(name)
        if source in pieces:
            pieces[source][name].append(frame)


def _write_truth(
    demo: DemoLake, businesses: Sequence[Business], people: People, last_day: int
) -> None:
    """Who is behind every account that was delivered, by source and account; as labels, too."""
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
    known = pl.concat(frames).sort("source", "account_id")
    write_parquet(known.to_arrow(), demo.truth)
    labels = known.select("source", "account_id", "person_id")
    write_parquet(labels.to_arrow(), demo.lake.identity_labels)


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
