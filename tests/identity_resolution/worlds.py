"""Small worlds of accounts, and the night that resolves them."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from functools import cache
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from identity_resolution.compare import PERSONAL, UNSEALED
from identity_resolution.engine import BlockFunction, DuckDbEngine, Engine
from identity_resolution.inputs import DECISION_COLUMNS, TOKEN_COLUMNS
from identity_resolution.nights import COMPONENT_TABLES, ORDERS
from identity_resolution.nights import Night as Told
from identity_resolution.outputs import Resolution
from identity_resolution.resolve import resolve
from identity_resolution.settings import IdentitySettings, load_identity_settings

NIGHT = date(2026, 3, 31)
LONG_AGO = date(2025, 1, 1)
DATE = pa.date32()
DEFAULTS = load_identity_settings()
BLOCKED_RULES = {
    rule.identifier_type: name
    for rule, name in zip(
        DEFAULTS.evidence, DEFAULTS.link_rules[1 : len(DEFAULTS.evidence) + 1], strict=True
    )
}

Key = tuple[str, str]  # source, account_id


@dataclass(frozen=True)
class Identifier:
    """One row of int_identifiers."""

    account: Key
    identifier_type: str
    token: str
    valid_until_date: date | None = None
    is_verified: bool = True


@dataclass(frozen=True)
class Decided:
    """One decision of people on two accounts."""

    one: Key
    other: Key
    is_must_link: bool
    effective_from: date = LONG_AGO


@dataclass(frozen=True)
class World:
    """What identity resolution knows on one night.

    records: what is compared of an account, as its sealed row holds it (ingest.blocks); a name in
    `names` is its token and, where a record says nothing else, its pinyin. since: the night that
    first posted a member. told: the night that last said something of an account; was: the name
    that nights before it gave.
    """

    first_seen: dict[Key, date] = field(default_factory=dict)
    names: dict[Key, str] = field(default_factory=dict)
    identifiers: list[Identifier] = field(default_factory=list)
    posted: dict[Key, str] = field(default_factory=dict)
    records: dict[Key, dict[str, str]] = field(default_factory=dict)
    decisions: list[Decided] = field(default_factory=list)
    since: dict[str, date] = field(default_factory=dict)
    told: dict[Key, date] = field(default_factory=dict)
    was: dict[Key, str] = field(default_factory=dict)

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
        self,
        account: Key,
        identifier_type: str,
        token: str,
        valid_until: date | None = None,
        is_verified: bool = True,
    ) -> None:
        """Give an account a value, held until the day before `valid_until`."""
        held = Identifier(account, identifier_type, token, valid_until, is_verified)
        self.identifiers.append(held)

    def record(self, account: Key, **parts: str) -> None:
        """Say what is compared of an account: name, birth, mobile, address, surname, gender."""
        self.records[account] = parts

    def decide(self, one: Key, other: Key, is_must_link: bool, since: date = LONG_AGO) -> None:
        """Let people decide that two accounts are one person, or never are."""
        first, second = sorted((one, other))
        self.decisions.append(Decided(first, second, is_must_link, since))

    def after_posting(self, night: "Night", on: date = LONG_AGO) -> "World":
        """The same world after a night was published."""
        changed = {key: member for key, (member, _, _) in night.changes.items()}
        since = dict.fromkeys(changed.values(), on) | self.since
        return replace(self, posted=self.posted | changed, since=since)


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
    before: Resolution | None = None,
) -> Night:
    """Run identity resolution over a world."""
    return night_of(resolution(world, night, settings, engine, before), world)


def resolution(
    world: World,
    night: date = NIGHT,
    settings: IdentitySettings | None = None,
    engine: type[DuckDbEngine] = DuckDbEngine,
    before: Resolution | None = None,
) -> Resolution:
    """Everything that counts on a night; `before` is what counts on the night before, on which it
    builds.
    """
    made = engine(_connection())
    _load(made, world)
    builds_on: tuple[date, ...] = ()
    if before is not None:
        builds_on = (night - timedelta(days=1),)
        for name in (*COMPONENT_TABLES, "blocked_values"):
            made.load(f"before_{name}", getattr(before, name))

    def unsealer(of: Engine) -> None:
        unseal_world(of, world)

    told = Told(night, builds_on)
    written = resolve(made, told, settings or DEFAULTS, unsealer)
    return written if before is None else _counted(made, before, written)


def _counted(engine: DuckDbEngine, before: Resolution, written: Resolution) -> Resolution:
    """What counts on a night that wrote a difference."""
    engine.load("retired", written.retired_components)
    tables = {}
    for name, schema in COMPONENT_TABLES.items():
        engine.load("kept", getattr(before, name))
        engine.load("written", getattr(written, name))
        tables[name] = engine.rows(
            "select * from (select * from kept where component not in (select * from retired)"
            f" union all select * from written) as counted order by {ORDERS[name]}"
        ).cast(schema)
    nothing = written.retired_components.slice(0, 0)
    last = written.resolved_nights.slice(written.resolved_nights.num_rows - 1)
    return replace(written, **tables, retired_components=nothing, resolved_nights=last)


def night_of(result: Resolution, world: World) -> Night:
    """The tables of a night as what a test asks for."""
    links = result.member_links.to_pylist()
    changes = result.link_changes.to_pylist()
    refused = [
        *result.refused_links.to_pylist(),
        *(
            row
            | {"rule": BLOCKED_RULES[row["value_type"]], "reason": "too_many_accounts"}
            | {"identifier_token": row["token"]}
            for row in result.blocked_values.to_pylist()
            if row["value_type"] in BLOCKED_RULES
        ),
    ]
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


def unseal_world(engine: Engine, world: World) -> None:
    """The world's restricted zone."""
    accounts = engine.rows("select account, source, account_id from candidate_accounts").to_pylist()
    rows = []
    for row in accounts:
        key = _key(row)
        record = world.records.get(key, {})
        rows.append(
            {"account": row["account"], "name_key": world.names.get(key)}
            | {name: record[name] for name in PERSONAL if name in record}
        )
    engine.load("unsealed", pa.Table.from_pylist(rows, UNSEALED))


def accounts_table(world: World) -> pa.Table:
    """The world's int_accounts."""
    rows = [
        (*key, first_seen, record.get("gender"), birth_year(record))
        for key, first_seen in world.first_seen.items()
        for record in [world.records.get(key, {})]
    ]
    texts = {"source": pa.string(), "account_id": pa.string()}
    own = {"first_seen_date": DATE, "gender": pa.string(), "birth_year": pa.int64()}
    return _table(rows, texts | own)


def birth_year(record: dict[str, str]) -> int | None:
    """What int_accounts says: a year of its own, or that of the birth date."""
    said = record.get("birth_year") or record.get("birth", "")[:4]
    return int(said) if said else None


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
        (*i.account, i.identifier_type, i.token, i.is_verified, LONG_AGO, NIGHT, i.valid_until_date)
        for i in world.identifiers
    ]
    return _table(rows, columns)


@cache
def _connection() -> duckdb.DuckDBPyConnection:
    """One database for all worlds: making one takes longer than resolving a world."""
    return duckdb.connect(config={"threads": 1})


def people_table(world: World) -> pa.Table:
    """The tokens of the world's sealed rows: a blocking key is its parts, readable."""
    columns = {
        **dict.fromkeys(("source", "table_name", "account_id", "key_ref"), pa.string()),
        "version": pa.int64(),
        "load_date": DATE,
        **dict.fromkeys(TOKEN_COLUMNS, pa.string()),
    }
    rows = []
    for key in world.first_seen:
        if key in world.was:
            rows.append(_sealed_row(world, key, world.was[key], 1, LONG_AGO))
        told = world.told.get(key, LONG_AGO)
        rows.append(_sealed_row(world, key, world.names.get(key), 2, told))
    return pa.Table.from_pylist(rows, pa.schema(list(columns.items())))


def _sealed_row(
    world: World, key: Key, name: str | None, version: int, told: date
) -> dict[str, Any]:
    record = world.records.get(key, {})
    birth, mobile = record.get("birth"), record.get("mobile")
    return {
        "source": key[0],
        "table_name": "members",
        "account_id": key[1],
        "key_ref": f"{key}{version}",
        "version": version,
        "load_date": told,
        "name_token": name,
        "surname_token": record.get("surname"),
        "address_token": record.get("address"),
        "birth_token": birth,
        "name_birth_token": name and birth and f"{name}|{birth}",
        "name_mobile_head_token": name and mobile and f"{name}|{mobile[:7]}",
        "name_mobile_tail_token": name and mobile and f"{name}|{mobile[-4:]}",
    }


def _load(engine: DuckDbEngine, world: World) -> None:
    texts = {"source": pa.string(), "account_id": pa.string()}
    # Of members that nobody says the night of, all were posted on one night, the last of all.
    last = max(world.since.values(), default=LONG_AGO) + timedelta(days=1)
    posted = [(*key, member, world.since.get(member, last)) for key, member in world.posted.items()]
    decisions = sorted(world.decisions, key=lambda d: (d.effective_from, d.one, d.other))
    decided = [
        (number, d.is_must_link, *d.one, *d.other, d.effective_from)
        for number, d in enumerate(decisions)
    ]
    tables = {
        "input_accounts": accounts_table(world),
        "input_identifiers": identifiers_table(world),
        "people_versions": people_table(world),
        "posted_versions": _table(posted, texts | {"member_id": pa.string(), "posted_date": DATE}),
        "input_decisions": _table(decided, {f.name: f.type for f in DECISION_COLUMNS}),
    }
    for name, table in tables.items():
        engine.load(name, table)


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
