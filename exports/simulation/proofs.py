"""That the comparison adds up: each way of summing it gives the totals of all entries.

The totals are taken from the entries alone, before names, members and months are joined to them;
so an entry that a table loses or counts twice is found.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import duckdb

from exports.simulation.sides import SIDES
from exports.simulation.tables import FIGURES, label
from ingest.core.errors import Problem

WAYS = {
    "businesses": "按业态",
    "months": "按月",
    "business_months": "按业态与月",
    "legal_entities": "按法人",
    "members": "按会员",
}
AT_LAST = "<= (select max(closing_date) from months)"


@dataclass(frozen=True)
class Proof:
    """One total and the sums that must equal it, by their way."""

    title: str
    total: int
    sums: dict[str, int]
    is_money: bool = False


def prove(database: duckdb.DuckDBPyConnection) -> tuple[Proof, ...]:
    """Every proof; Problem for the first sum that is not its total."""
    proofs = []
    for title, total, ways in _queries():
        sums = {way: _number(database, query) for way, query in ways.items()}
        proof = Proof(title, _number(database, total), sums, "micro_fen" in total)
        for way, found in sums.items():
            if found != proof.total:
                raise Problem(
                    f"{title} {way} is {found}, in all {proof.total}: the comparison lost or "
                    "doubled rows; report it, and use none of its figures"
                )
        proofs.append(proof)
    return tuple(proofs)


def _queries() -> Iterator[tuple[str, str, dict[str, str]]]:
    """For each proof its title, the query of its total, the queries that must give the same."""
    for name in FIGURES:
        for suffix in (*(f"_{side}" for side in SIDES), "_difference"):
            column = name + suffix
            yield (
                label(column),
                f"select {column} from totals",
                {
                    way: f"select sum({column}) from compared.{table}"
                    for table, way in WAYS.items()
                    if table != "members" or suffix == "_difference"  # it lists who differs
                },
            )
    for column, table, way in (
        ("awarded_points_difference", "rules", "按规则"),
        ("net_points_difference", "distribution", "按分布"),
    ):
        query = f"select sum({column}) from compared.{table}"
        yield label(column), f"select {column} from totals", {way: query}
    for side in SIDES:
        closing, members = f"closing_points_{side}", f"member_count_{side}"
        yield (
            label(closing),
            f"select sum(lot_points) from {side}.priced where business_date {AT_LAST}",
            {"按业态": f"select sum({closing}) from ({_at_last('liability')})"},
        )
        yield (
            label(members),
            f"select count(*) from {side}.members where seen_date {AT_LAST}",
            {
                "按等级": f"select sum({members}) from ({_at_last('tier_population')})",
                "按等级变化": "select sum(member_count) from compared.tier_moves "
                f"where tier_{side} is not null",
            },
        )


def _at_last(table: str) -> str:
    return f"from compared.{table} where closing_date = (select max(closing_date) from months)"


def _number(database: duckdb.DuckDBPyConnection, query: str) -> int:
    row = database.execute(query).fetchone()
    return int(row[0] or 0) if row else 0
