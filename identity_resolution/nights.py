"""Which rows of raw/identity count on a night.

Tables that are about components hold, in each night's partition, only the components that the night
resolved. A row counts until a later night resolves its component again; `retired_components` names
those. `resolved_nights` of a night lists the nights whose rows it builds on, itself the last, so a
night that was resolved and never published is left out by the nights after it. Now and then a
night writes everybody's rows and stands alone. dbt's macro resolved_tonight reads the same way.
"""

from dataclasses import dataclass
from datetime import date

import pyarrow as pa
import pyarrow.parquet as pq

from identity_resolution.engine import Engine
from identity_resolution.inputs import PERSON_VALUES
from ingest.core.lake import Lake

# A night that would build on more others than this writes everybody's rows again.
MOST_NIGHTS = 30

STRINGS = pa.string()
LINK_ENDS = ("low_source", "low_account_id", "high_source", "high_account_id")
LINKS = pa.schema(
    [
        *((name, STRINGS) for name in (*LINK_ENDS, "rule", "value_type", "token")),
        ("weight_millibits", pa.int64()),
        ("component", STRINGS),
    ]
)
COMPONENT_TABLES = {
    "member_links": pa.schema(
        [
            *((name, STRINGS) for name in ("source", "account_id", "member_id", "rule")),
            ("evidence_count", pa.int64()),
            ("component", STRINGS),
        ]
    ),
    "refused_links": pa.schema(
        [
            ("rule", STRINGS),
            ("identifier_type", STRINGS),
            ("account_count", pa.int64()),
            ("reason", STRINGS),
            ("identifier_token", STRINGS),
            ("component", STRINGS),
        ]
    ),
    "held_links": pa.schema([*LINKS, ("reason", STRINGS)]),
    "links": LINKS,
    "member_households": pa.schema(
        [
            ("member_id", STRINGS),
            ("household_id", STRINGS),
            *((f"shares_{what}", pa.bool_()) for what in ("address", "plate", "mobile")),
            ("component", STRINGS),
        ]
    ),
    "member_figures": pa.schema(
        [
            ("member_id", STRINGS),
            ("account_count", pa.int64()),
            ("name_count", pa.int64()),
            ("component", STRINGS),
        ]
    ),
    "account_states": pa.schema(
        [
            ("source", STRINGS),
            ("account_id", STRINGS),
            ("account_key", pa.int64()),
            ("signature", pa.int64()),
            *((f"{value}_key", pa.int64()) for value in PERSON_VALUES),
            ("component", STRINGS),
        ]
    ),
}
ORDERS = {
    "member_links": "source, account_id",
    "refused_links": "rule, identifier_type, identifier_token, reason",
    "held_links": f"{', '.join(LINK_ENDS)}, rule, token",
    "links": f"{', '.join(LINK_ENDS)}, rule, token",
    "member_households": "member_id",
    "member_figures": "member_id",
    "account_states": "source, account_id",
}
RESOLVED_NIGHTS = pa.schema([("resolved_date", pa.date32())])
RETIRED_COMPONENTS = pa.schema([("component", STRINGS)])


@dataclass(frozen=True)
class Night:
    """What a resolution is told.

    builds_on: the nights whose rows count on the night before, ascending; none to resolve
    everybody.
    """

    business_date: date
    builds_on: tuple[date, ...] = ()

    @property
    def is_difference(self) -> bool:
        """Whether only what was resolved is written, and not everybody's rows."""
        return 0 < len(self.builds_on) < MOST_NIGHTS

    @property
    def counted(self) -> list[date]:
        """The nights whose rows count on this one."""
        return [*(self.builds_on if self.is_difference else ()), self.business_date]


def nights_of(lake: Lake, night: date) -> list[date]:
    """The nights whose rows count on a night, itself the last; none if it was not resolved, or if
    something of them is missing.
    """
    path = lake.raw("identity", "resolved_nights", night)
    if not path.is_file():
        return []
    nights: list[date] = pq.read_table(path, partitioning=None)["resolved_date"].to_pylist()
    names = (*COMPONENT_TABLES, "blocked_values", "retired_components")
    is_whole = all(lake.raw("identity", n, each).is_file() for each in nights for n in names)
    return nights if is_whole else []


def show_night(
    engine: Engine, lake: Lake, nights: list[date], names: list[str], prefix: str = ""
) -> None:
    """Show the rows of tables that count on the last of these nights, each as <prefix><name>."""
    for name in ("retired_components", *names):
        engine.read(f"all_{name}", lake.raw("identity", name, nights[-1]).parent.parent)
    for name in names:
        engine.view(f"{prefix}{name}", _rows(name, nights))


def _rows(name: str, nights: list[date]) -> str:
    columns = ", ".join(f"r.{column}" for column in COMPONENT_TABLES[name].names)
    dates = ", ".join(f"date '{night}'" for night in nights)
    query = ALONE if len(nights) == 1 else CURRENT
    return query.format(columns=columns, name=name, nights=dates)


ALONE = "select {columns} from all_{name} r where cast(r.load_date as date) = {nights}"

CURRENT = """
select {columns}
from all_{name} r
left join (
    select component, max(cast(load_date as date)) as retired_date
    from all_retired_components
    where cast(load_date as date) in ({nights})
    group by component
) d on d.component = r.component
where cast(r.load_date as date) in ({nights})
and (d.retired_date is null or d.retired_date <= cast(r.load_date as date))
"""
