"""Small worlds of accounts, and the night that resolves them."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cache
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from identity_resolution.engine import BlockFunction, DuckDbEngine
from identity_resolution.model import IdentitySettings, load_identity_settings
from identity_resolution.resolve import resolve

NIGHT = date(2026, 3, 31)
LONG_AGO = date(2025, 1, 1)
DATE = pa.date32()
DEFAULTS = load_identity_settings()

Key = tuple[str, str]  # source, account_id


@dataclass(frozen=True)
class Identifier:
    """One row of int_identifiers."""

    account: Key
    identifier_type: str
    token: str
    valid_until_date: date | None = None


@dataclass(frozen=True)
class World:
    """What identity resolution knows on one night."""

    first_seen: dict[Key, date] = field(default_factory=dict)
    names: dict[Key, str] = field(default_factory=dict)
    identifiers: list[Identifier] = field(default_factory=list)
    posted: dict[Key, str] = field(default_factory=dict)

    def account(
        self,
        account_id: str,
        name: str | None = None,
        source: str = "pos",
        first_seen: date = LONG_AGO,
        **tokens: str,
    ) -> Key:
        """Add an account that holds one value of each type named, valid for ever."""
        key = (source, account_id)
        self.first_seen[key] = first_seen
        if name is not None:
            self.names[key] = name
        for identifier_type, token in tokens.items():
            self.hold(key, identifier_type, token)
        return key

    def hold(
        self, account: Key, identifier_type: str, token: str, valid_until: date | None = None
    ) -> None:
        """Give an account a value, held until the day before `valid_until`."""
        self.identifiers.append(Identifier(account, identifier_type, token, valid_until))

    def after_posting(self, night: "Night") -> "World":
        """The same world after a night was published."""
        changed = {key: member for key, (member, _, _) in night.changes.items()}
        return World(self.first_seen, self.names, self.identifiers, self.posted | changed)


@dataclass(frozen=True)
class Night:
    """What a night decided. changes: account -> (member, previous member, reason)."""

    members: dict[Key, str]
    rules: dict[Key, tuple[str, int]]
    changes: dict[Key, tuple[str, str | None, str]]
    refused: Counter[tuple[str, str, str, int]]  # rule, token, reason, accounts

    @property
    def groups(self) -> set[frozenset[str]]:
        """The account ids of each member."""
        return {
            frozenset(key[1] for key, member in self.members.items() if member == wanted)
            for wanted in self.members.values()
        }


def with_unnamed_plates(choice: str) -> IdentitySettings:
    """The settings with another answer to what an unnamed car on a plate does."""
    evidence = tuple(
        replace(rule, unnamed=choice) if rule.identifier_type == "plate" else rule
        for rule in DEFAULTS.evidence
    )
    return replace(DEFAULTS, evidence=evidence)


class InBlocks(DuckDbEngine):
    """An engine that spreads components over two blocks, as a cluster does."""

    has_blocks = True

    def map_blocks(self, name: str, query: str, function: BlockFunction, output: pa.Schema) -> None:
        rows = self.rows(query)
        block = pc.bit_wise_and(rows["component"], pa.scalar(1, pa.int32()))
        parts = [rows.filter(pc.equal(block, part)) for part in (0, 1)]
        answers = [function(part).cast(output) for part in parts if part.num_rows]
        self.load(name, pa.concat_tables([output.empty_table(), *answers]))


def resolve_world(
    world: World,
    night: date = NIGHT,
    settings: IdentitySettings | None = None,
    engine: type[DuckDbEngine] = DuckDbEngine,
) -> Night:
    """Run identity resolution over a world."""
    connection = _connection()
    _register(connection, world)
    result = resolve(engine(connection), night, settings or DEFAULTS)
    links = result.member_links.to_pylist()
    changes = result.link_changes.to_pylist()
    refused = result.refused_links.to_pylist()
    assert len({_key(row) for row in links}) == len(links) == len(world.first_seen)
    assert len({_key(row) for row in changes}) == len(changes)
    return Night(
        members={_key(row): row["member_id"] for row in links},
        rules={_key(row): (row["rule"], row["evidence_count"]) for row in links},
        changes={
            _key(row): (row["member_id"], row["previous_member_id"], row["reason"])
            for row in changes
        },
        refused=Counter(
            (row["rule"], row["identifier_token"], row["reason"], row["account_count"])
            for row in refused
        ),
    )


def accounts_table(world: World) -> pa.Table:
    """The world's int_accounts."""
    rows = [(*key, first_seen) for key, first_seen in world.first_seen.items()]
    return _table(rows, {"source": pa.string(), "account_id": pa.string(), "first_seen_date": DATE})


def identifiers_table(world: World) -> pa.Table:
    """The world's int_identifiers."""
    columns = {
        "source": pa.string(),
        "account_id": pa.string(),
        "identifier_type": pa.string(),
        "identifier_token": pa.string(),
        "is_verified": pa.bool_(),
        "first_seen_date": DATE,
        "last_seen_date": DATE,
        "valid_until_date": DATE,
    }
    rows = [
        (*i.account, i.identifier_type, i.token, True, LONG_AGO, NIGHT, i.valid_until_date)
        for i in world.identifiers
    ]
    return _table(rows, columns)


@cache
def _connection() -> duckdb.DuckDBPyConnection:
    """One database for all worlds: making one takes longer than resolving a world."""
    return duckdb.connect(config={"threads": 1})


def _register(connection: duckdb.DuckDBPyConnection, world: World) -> None:
    connection.register("input_accounts", accounts_table(world))
    connection.register("input_identifiers", identifiers_table(world))
    texts = {"source": pa.string(), "account_id": pa.string()}
    names = [(*key, name) for key, name in world.names.items()]
    connection.register("input_names", _table(names, texts | {"name_token": pa.string()}))
    posted = [(*key, member) for key, member in world.posted.items()]
    connection.register("input_posted", _table(posted, texts | {"member_id": pa.string()}))


def _table(rows: Iterable[tuple[Any, ...]], columns: dict[str, pa.DataType]) -> pa.Table:
    values = list(zip(*rows, strict=True)) or [()] * len(columns)
    return pa.table(
        {
            name: pa.array(column, kind)
            for (name, kind), column in zip(columns.items(), values, strict=True)
        }
    )


def _key(row: dict[str, Any]) -> Key:
    return row["source"], row["account_id"]
