"""The order in which deliveries arrive leaves no trace in what is believed of points and money.

Some months of a few members: orders, stays, check-ins, friends brought, refunds, points spent and
given back, under caps that they share. Some
documents are delivered again, changed, moved to another account or taken back; an account turns
out to be somebody else's. Every piece arrives on a night of chance, never before its own date.
After the last night the postings of all nights add up to what one night derives from everything.
"""

import hashlib
import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pytest

from ingest.core.lake import Lake, write_parquet
from ingest.rules.books import load_rule_books
from ingest.rules.compile import compile_rules
from tests.pipeline.model_nights import PROJECT, Models, Nights, compile_models

FIRST = date(2026, 10, 20)
LAST = date(2026, 12, 31)
NIGHTS = [LAST - timedelta(days=9 * number) for number in reversed(range(7))]
# So many accounts that most are touched on few nights: what a night forgets, no later one mends.
ACCOUNTS = {
    **{f"A{number}": "pos" for number in range(24)},
    **{f"G{number}": "hotel" for number in range(8)},
    **{f"U{number}": "miniprogram" for number in range(10)},
}
BUSINESSES = {"pos": "mall", "hotel": "hotel", "miniprogram": "miniprogram"}
MEMBERS = {account: f"M{account[1:]}" for account in ACCOUNTS}
MOVED = {
    "A9": "M1",
    "A8": "M2",
    "G4": "M3",
    "U6": "M4",
}  # accounts that turn out to be somebody else's
VESTING = """
vesting:
  - from: 2024-01-01
    value: [{after_days: 0, percent: 90}, {after_days: 23, percent: 10}]
    source: Test
    approved_by: Test
"""
TEXT, WHOLE, DAY = pa.string(), pa.int64(), pa.date32()
ACTIVITIES = pa.schema(
    [(name, TEXT) for name in ("activity_id", "source", "business", "document_no", "account_id",
                               "activity_type", "reverses_activity_id", "unit_id", "merchant_id",
                               "channel", "category", "source_file")]
    + [("occurred_at", pa.timestamp("us")), ("business_date", DAY), ("load_date", DAY)]
    + [(name, WHOLE) for name in ("gross_fen", "discount_fen", "paid_fen", "points", "quantity",
                                  "source_row")]
)  # fmt: skip
LINKS = pa.schema([(name, TEXT) for name in ("source", "account_id", "member_id", "rule")])
LINK_CHANGES = pa.schema(
    [(n, TEXT) for n in ("source", "account_id", "previous_member_id", "member_id", "reason")]
)
DOCUMENTS = pa.schema([("business", TEXT), ("document_no", TEXT)])
PROFILES = pa.schema([("source", TEXT), ("account_id", TEXT), ("first_seen_date", DAY)])
BEHAVIOURS = pa.schema(
    [
        *((name, TEXT) for name in ("source", "event_id", "account_id", "referred_account_id")),
        ("load_date", DAY),
    ]
)


@dataclass(frozen=True)
class Piece:
    """One version of a document; `says` is None where it takes the document back."""

    number: str
    version: int
    business: str
    day: date
    says: Mapping[str, Any] | None


def some_activity(chance: np.random.Generator, number: int, earlier: list[Piece]) -> Piece:
    """A document of some account, about one of the earlier ones if it takes something back."""
    account = list(ACCOUNTS)[int(chance.integers(len(ACCOUNTS)))]
    day = FIRST + timedelta(days=int(chance.integers(40)))
    kinds = ["order"] * 4 + ["refund"] * 2 + ["points_redemption"] * 2 + ["points_return"]
    kind = kinds[int(chance.integers(len(kinds)))]
    business, is_shown = BUSINESSES[ACCOUNTS[account]], True
    paid, points, reverses = int(chance.choice([950, 9_900, 42_000, 150_000, 610_000])), 0, None
    friend = None
    if ACCOUNTS[account] == "miniprogram":
        kind, paid = "check_in" if account in ("U0", "U1") else "referral", 0
        day = FIRST + timedelta(days=14 + int(chance.integers(4)))  # some on one day: capped
        friend = f"U{int(chance.integers(2, 10))}"
    if kind in ("refund", "points_return"):
        wanted = ("purchase", "stay") if kind == "refund" else ("points_redemption",)
        originals = [each for each in earlier if each.says and each.says["activity_type"] in wanted]
        if not originals:
            kind = "order"
        else:
            original = originals[int(chance.integers(len(originals)))]
            assert original.says is not None
            account, reverses = original.says["account_id"], original.number
            business, is_shown = original.business, chance.random() < 0.5
            day = max(day, original.day)
            paid = -max(original.says["paid_fen"] // int(chance.integers(1, 4)), 1)
            points = max(original.says["points"] // int(chance.integers(1, 3)), 1)
    if kind == "order":
        kind = "stay" if ACCOUNTS[account] == "hotel" else "purchase"
    is_money = kind in ("purchase", "stay", "refund")
    points = int(chance.choice([50, 300, 2_000])) if kind == "points_redemption" else points
    noon = datetime(day.year, day.month, day.day, int(chance.integers(4, 15)), number % 60)
    said = {
        "account_id": account if is_shown else None, "activity_type": kind,
        "reverses_activity_id": reverses,
        "paid_fen": paid if is_money else 0, "points": 0 if is_money else points,
        "quantity": 2 if kind == "stay" else None, "occurred_at": noon,
        "referred_account_id": friend if kind == "referral" else None,
    }  # fmt: skip
    return Piece(f"D{number:02}", 1, business, day, said)


def some_pieces(chance: np.random.Generator, count: int) -> list[Piece]:
    """Documents, a third of them delivered again: changed, on another account, or taken back."""
    pieces: list[Piece] = []
    for number in range(count):
        pieces.append(some_activity(chance, number, pieces))
    again = []
    for piece in pieces:
        assert piece.says is not None
        if chance.random() < 0.35:
            changed = [
                {**piece.says, "paid_fen": piece.says["paid_fen"] // 2},
                {**piece.says, "points": piece.says["points"] // 2},
                None,
            ]
            if piece.business == "mall" and piece.says["reverses_activity_id"] is None:
                changed.append({**piece.says, "account_id": f"A{int(chance.integers(24))}"})
            if piece.says["activity_type"] == "referral":
                changed.append({**piece.says, "account_id": f"U{int(chance.integers(2, 10))}"})
            says = changed[int(chance.integers(len(changed)))]
            again.append(replace(piece, version=2, says=says))
    return pieces + again


def row(piece: Piece, night: date) -> dict[str, Any]:
    """A document's activity as a business's model would say it."""
    assert piece.says is not None
    source = next(name for name, business in BUSINESSES.items() if business == piece.business)
    known = {
        "activity_id": piece.number, "document_no": piece.number, "source": source,
        "business": piece.business, "business_date": piece.day, "merchant_id": "S1",
        "channel": "store", "category": "food", "gross_fen": piece.says["paid_fen"],
        "discount_fen": 0, "source_file": "file", "source_row": 1, "load_date": night,
    }  # fmt: skip
    return {**known, **piece.says}


def behaviour(piece: Piece, night: date) -> dict[str, Any]:
    """What the behaviours say of a document: whom it brought, if it did."""
    said = piece.says or {"account_id": None, "referred_account_id": None}
    names = ("account_id", "referred_account_id")
    return {"source": "miniprogram", "event_id": piece.number, "load_date": night} | {
        name: said[name] for name in names
    }


def members_on(night: date, moves: Mapping[str, date]) -> dict[str, str]:
    """Whose each account is, as known on a night."""
    moved = {account: MOVED[account] for account, day in moves.items() if night >= day}
    return {**MEMBERS, **moved}


def run(
    models: Models, rules: Mapping[str, pa.Table], root: Path,
    arrivals: Mapping[date, list[Piece]], moves: Mapping[str, date],
    spoil: Callable[[Lake, date], None] | None = None,
) -> Nights:  # fmt: skip
    """The nights of one order of arrival; `moves`: on which night each account is moved; `spoil`
    is done to what the folds of each night wrote.
    """
    nights, newest, links = Nights(models, rules, root), dict[str, Piece](), dict[str, str]()
    behaviours: dict[str, dict[str, Any]] = {}
    for night, arrived in arrivals.items():
        for piece in arrived:
            known = newest.get(piece.number, piece)
            newest[piece.number] = max(piece, known, key=lambda each: each.version)
        touched = [newest[number] for number in sorted({piece.number for piece in arrived})]
        behaviours |= {piece.number: behaviour(piece, night) for piece in touched}
        before, links = links, members_on(night, moves)
        given = {
            "int_derived_activities": [row(piece, night) for piece in touched if piece.says],
            "int_touched_documents": [
                {"business": piece.business, "document_no": piece.number} for piece in touched
            ],
            "int_member_links": [
                {"source": ACCOUNTS[account], "account_id": account, "member_id": member}
                for account, member in links.items()
            ],
            "int_link_changes": [
                {"source": ACCOUNTS[account], "account_id": account, "member_id": member,
                 "previous_member_id": before.get(account), "reason": "merge"}
                for account, member in links.items() if before.get(account) != member
            ],
            "int_accounts": [],
            "int_behaviours": [row for row in behaviours.values() if row["referred_account_id"]],
        }  # fmt: skip
        schemas = (ACTIVITIES, DOCUMENTS, LINKS, LINK_CHANGES, PROFILES, BEHAVIOURS)
        tables = {
            name: pa.Table.from_pylist(rows, schema)
            for (name, rows), schema in zip(given.items(), schemas, strict=True)
        }
        nights.run(night, tables, spoil)
    return nights


# Each ledger as it adds up over the nights: without the nights' own names and dates.
SIGN = "case when is_reversal then -1 else 1 end"
SUMS = {
    "points_entries": f"""
        select * exclude (entry_id, posted_date, points, is_reversal, from_party, to_party),
            case when is_reversal then to_party else from_party end as giver,
            sum(points * {SIGN})::bigint as sum_points
        from posted group by all having sum_points <> 0
    """,
    "tier_changes": f"""
        select * exclude (change_id, posted_date, is_reversal), sum({SIGN}) as times
        from posted group by all having times <> 0
    """,
    "settlement_lines": f"""
        select activity_id, lot_id, movement_type, business_date, rule_id, unit_price_micro_fen,
            sum(amount_fen * {SIGN})::bigint as sum_fen
        from posted group by all having sum_fen <> 0
    """,
    "believed": "select * from posted",
}


def sums(nights: Nights) -> Iterator[tuple[str, list[tuple[Any, ...]]]]:
    """What the postings of all nights add up to, ledger by ledger."""
    for table, sql in SUMS.items():
        found = nights.believed if table == "believed" else nights.posted(table)
        with duckdb.connect() as connection:
            connection.register("posted", found)
            yield table, connection.execute(f"from ({sql}) order by all").fetchall()


def digest(nights: Nights) -> str:
    return hashlib.sha256(repr(list(sums(nights))).encode()).hexdigest()


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Models:
    return compile_models(tmp_path_factory.mktemp("models"))


SOURCE = "source: Sheet, approved_by: Somebody"
CAMPAIGN = f"""campaigns:
  - campaign: shared
    campaign_name: 共享上限
    caps: [{{from: 2026-11-02, value: {{points_per_day: 500, points_per_month: 520}}, {SOURCE}}}]
"""
SHARING = ("spend_300_get_30", "hotel_first_stay", "brought_a_friend")
CAPS_OF_BASE = f"""base_terms:
  - {{from: 2026-10-22, value: {{points_per_day: 6000, points_per_month: 7500}}, {SOURCE}}}
"""


@pytest.fixture(scope="module")
def rules(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, pa.Table]:
    """The project's books, caps that activities of all businesses share, and points of which a
    part is pending for a while.
    """
    rules = shutil.copytree(PROJECT / "rules", tmp_path_factory.mktemp("books") / "rules")
    earning = rules / "programme" / "earning.yml"
    text = earning.read_text(encoding="utf-8").replace("campaigns:\n", CAMPAIGN)
    text = text.replace("    campaign: daily_life\n", "    campaign: shared\n")
    for name in SHARING:
        text = text.replace(f"- rule: {name}\n", f"- rule: {name}\n    campaign: shared\n")
    earning.write_text(text, encoding="utf-8")
    for business, words in (("mall", CAPS_OF_BASE + VESTING), ("hotel", VESTING)):
        book = rules / "businesses" / f"{business}.yml"
        book.write_text(book.read_text(encoding="utf-8") + words, encoding="utf-8")
    return compile_rules(load_rule_books(rules, PROJECT))


def some_order(
    chance: np.random.Generator, pieces: list[Piece]
) -> tuple[dict[date, list[Piece]], dict[str, date]]:
    """A night of chance for each piece, not before its day, and for each account that moves."""
    arrivals: dict[date, list[Piece]] = {night: [] for night in NIGHTS}
    for piece in pieces:
        possible = [night for night in NIGHTS if night >= piece.day]
        arrivals[possible[int(chance.integers(len(possible)))]].append(piece)
    return arrivals, {account: NIGHTS[int(chance.integers(len(NIGHTS)))] for account in MOVED}


@pytest.fixture(scope="module")
def whole(
    models: Models, rules: Mapping[str, pa.Table], tmp_path_factory: pytest.TempPathFactory
) -> tuple[list[Piece], Nights]:
    """All pieces, and one night that gets everything."""
    pieces = some_pieces(np.random.default_rng(22), 90)
    folder = tmp_path_factory.mktemp("whole")
    return pieces, run(models, rules, folder, {LAST: pieces}, dict.fromkeys(MOVED, LAST))


def test_the_life_holds_what_may_depend_on_the_order(whole: tuple[list[Piece], Nights]) -> None:
    """Otherwise the digests below would prove little."""
    pieces, nights = whole
    assert {piece.says is None for piece in pieces if piece.version == 2} == {True, False}
    entries = set(nights.posted("points_entries")["entry_type"].to_pylist())
    assert entries >= {"accrual", "redemption", "claw_back", "debt_repayment", "restore"}
    assert entries >= {"pending", "release", "pending_claw_back"}
    reasons = set(nights.posted("tier_changes")["reason"].to_pylist())
    assert reasons >= {"upgrade", "reversal"}
    outcomes = set(nights.believed["outcome"].to_pylist())
    assert outcomes >= {"awarded", "clawed_back", "not_the_nth", "outranked", "cap_reached"}
    assert outcomes >= {"referred_oneself", "referred_before", "referred_as_member"}
    believed = nights.believed.select(["rule", "points", "clipped_points"]).to_pylist()
    clipped = {(row["rule"], row["points"] > 0) for row in believed if row["clipped_points"] > 0}
    assert clipped >= {("base", True), ("base", False), ("hotel_first_stay", True)}
    assert clipped >= {("daily_check_in", False), ("spend_300_get_30", True)}


@pytest.mark.parametrize("seed", range(4))
def test_any_order_of_arrival_adds_up_to_what_one_night_derives(
    models: Models, rules: Mapping[str, pa.Table], whole: tuple[list[Piece], Nights],
    tmp_path: Path, seed: int,
) -> None:  # fmt: skip
    pieces, once = whole
    nights = run(models, rules, tmp_path, *some_order(np.random.default_rng(seed), pieces))
    assert len(set(nights.posted("points_entries")["posted_date"].to_pylist())) > 1
    for (table, found), (_, expected) in zip(sums(nights), sums(once), strict=True):
        assert found == expected, table


# As known after a night, by business date: each lot, then each member (C5).
KNOWN = """
    with signed as (
        select members.member_id, posted.* exclude (from_party, to_party),
            case when is_reversal then -points else points end as net,
            case when is_reversal then to_party else from_party end as giver,
            case when is_reversal then from_party else to_party end as taker
        from posted inner join members using (account_id)
        where posted_date::date <= $night and entry_type not in ('last_day', 'shortfall')
    ),
    moved as (
        select *,
            net * ((taker = 'member')::int - (giver = 'member')::int) as lot_points,
            net * ((giver = 'member_debt')::int - (taker = 'member_debt')::int) as debt_points,
            case when entry_type in ('accrual', 'release', 'restore', 'restore_debt') then net
                when entry_type in ('redemption', 'redemption_debt', 'claw_back', 'claw_back_debt',
                    'expiry') then -net
                else 0 end as movement,
            case when entry_type in ('accrual', 'release') then net else 0 end as issued
        from signed
    )
"""
LOT_DAYS = (
    KNOWN
    + """
    select lot_id, business_date,
        sum(sum(lot_points)) over lot as remaining, sum(sum(issued)) over lot as issued
    from moved where lot_id is not null
    group by lot_id, business_date window lot as (partition by lot_id order by business_date)
"""
)
MEMBER_DAYS = (
    KNOWN
    + """
    select member_id, business_date, sum(sum(lot_points)) over member as in_lots,
        sum(sum(debt_points)) over member as debt, sum(sum(movement)) over member as closing
    from moved
    group by member_id, business_date
    window member as (partition by member_id order by business_date)
"""
)


@pytest.mark.parametrize("seed", range(6, 8))
def test_after_every_night_every_lot_and_every_member_is_explained_on_every_day(
    models: Models, rules: Mapping[str, pa.Table], whole: tuple[list[Piece], Nights],
    tmp_path: Path, seed: int,
) -> None:  # fmt: skip
    pieces, _ = whole
    arrivals, moves = some_order(np.random.default_rng(seed), pieces)
    nights = run(models, rules, tmp_path, arrivals, moves)
    seen = 0
    for night in arrivals:
        with duckdb.connect() as connection:
            connection.register("posted", nights.posted("points_entries"))
            links = members_on(night, moves)
            pairs = {"account_id": list(links), "member_id": list(links.values())}
            connection.register("members", pa.table(pairs))
            for lot, day, remaining, issued in connection.execute(
                LOT_DAYS, {"night": night}
            ).fetchall():
                assert 0 <= remaining <= issued, (night, lot, day)
            for member, day, lots, debt, closing in connection.execute(
                MEMBER_DAYS, {"night": night}
            ).fetchall():
                assert closing == lots - debt, (night, member, day)
                assert min(lots, debt) == 0 <= max(lots, debt), (night, member, day)
                seen += debt > 0
    assert seen > 0
    assert nights.violations == dict.fromkeys(arrivals, 0)  # I11 says the same, SQL of its own


@pytest.mark.parametrize(
    ("entry_type", "change"),
    [
        ("redemption", "update said set points = points + 1000000"),  # more than there is
        ("redemption", "update said set entry_type = 'release'"),  # the parties contradict it
        ("accrual", "update said set lot_id = null"),  # points in no lot
        ("debt_repayment", "update said set to_party = 'fund'"),  # what is repaid goes elsewhere
        ("debt_repayment", "delete from said"),  # a debt stays although there are points
    ],
)
def test_one_spoiled_entry_of_the_fold_is_a_violation_of_that_night(
    models: Models, rules: Mapping[str, pa.Table], whole: tuple[list[Piece], Nights],
    tmp_path: Path, entry_type: str, change: str,
) -> None:  # fmt: skip
    def spoil(lake: Lake, night: date) -> None:
        path = lake.raw("ledger", "points_entries", night)
        with duckdb.connect() as connection:
            connection.execute("create table said as from read_parquet(?)", [str(path)])
            first = f"select min(rowid) from said where entry_type = '{entry_type}'"
            connection.execute(f"{change} where rowid = ({first})")
            write_parquet(connection.table("said").to_arrow_table(), path)

    pieces, _ = whole
    moves = dict.fromkeys(MOVED, LAST)
    assert run(models, rules, tmp_path, {LAST: pieces}, moves, spoil).violations[LAST] > 0


@pytest.mark.long
def test_fifty_orders_of_arrival_have_one_digest_equal_to_the_full_recompute(
    models: Models, rules: Mapping[str, pa.Table], whole: tuple[list[Piece], Nights], tmp_path: Path
) -> None:
    pieces, once = whole
    digests = {
        digest(
            run(
                models,
                rules,
                tmp_path / str(seed),
                *some_order(np.random.default_rng(1_000 + seed), pieces),
            )
        )
        for seed in range(50)
    }
    assert digests == {digest(once)}
