"""How right the member links of a night are, against a table that says who is who.

Whoever has checked a sample of accounts leaves it in decisions/identity_labels.parquet (source,
account_id, person_id), and each night is measured against it; of the demo group all is known.
"""

from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from identity_resolution.components import components_of
from identity_resolution.engine import Engine, open_engine
from identity_resolution.evidence import show_kinds
from identity_resolution.inputs import show_inputs, show_people
from identity_resolution.looked_up import tonight_of
from identity_resolution.nights import nights_of, show_night
from identity_resolution.settings import load_identity_settings
from identity_resolution.touched import show_everybodys_holdings
from ingest.core.errors import Problem
from ingest.core.lake import Lake, write_parquet
from ingest.core.settings import Settings

TRUTH_COLUMNS = ("source", "account_id", "person_id")


@dataclass(frozen=True)
class Evaluation:
    """Counts of accounts and pairs; B³ sums are exact up to the last bit of a double.

    missing_count: accounts on one side only, which are left out of all the rest. A pair is two
    accounts; true pairs are one person, found pairs one member, right pairs both.
    over_merged_count: members that hold more than one person; under_merged_count: persons on more
    than one member. reachable_pair_count: true pairs that any evidence could reach, None where it
    was not looked into (`reachable_pairs`).
    """

    account_count: int
    missing_count: int
    person_count: int
    member_count: int
    true_pair_count: int
    found_pair_count: int
    right_pair_count: int
    over_merged_count: int
    under_merged_count: int
    b3_precision: float
    b3_recall: float
    reachable_pair_count: int | None = None

    @property
    def precision(self) -> float:
        """Share of found pairs that are right; 1 where nothing was found."""
        return self.right_pair_count / self.found_pair_count if self.found_pair_count else 1.0

    @property
    def recall(self) -> float:
        """Share of true pairs that were found; 1 where there is none."""
        return self.right_pair_count / self.true_pair_count if self.true_pair_count else 1.0

    @property
    def reachable_recall(self) -> float | None:
        """The recall that any evidence could reach."""
        if self.reachable_pair_count is None:
            return None
        return self.reachable_pair_count / self.true_pair_count if self.true_pair_count else 1.0

    @property
    def f1(self) -> float:
        """Harmonic mean of pairwise precision and recall."""
        return _harmonic_mean(self.precision, self.recall)

    @property
    def b3_f1(self) -> float:
        """Harmonic mean of B³ precision and recall."""
        return _harmonic_mean(self.b3_precision, self.b3_recall)

    def figures(self) -> list[tuple[str, str]]:
        """Name and value of each figure, as people read them."""
        ceiling = self.reachable_recall
        reached = []
        if ceiling is not None:
            share = self.recall / ceiling if ceiling else 1.0
            reached = [
                ("pairs: recall that any evidence could reach", f"{ceiling:.4f}"),
                ("pairs: recall, share of what could be reached", f"{share:.4f}"),
            ]
        return [
            ("accounts", f"{self.account_count:,}"),
            ("accounts on one side only, left out", f"{self.missing_count:,}"),
            ("persons", f"{self.person_count:,}"),
            ("members", f"{self.member_count:,}"),
            ("members that hold several persons", f"{self.over_merged_count:,}"),
            ("persons on several members", f"{self.under_merged_count:,}"),
            ("pairs: precision", f"{self.precision:.4f}"),
            ("pairs: recall", f"{self.recall:.4f}"),
            *reached,
            ("pairs: F1", f"{self.f1:.4f}"),
            ("B³: precision", f"{self.b3_precision:.4f}"),
            ("B³: recall", f"{self.b3_recall:.4f}"),
            ("B³: F1", f"{self.b3_f1:.4f}"),
        ]

    def table(self) -> str:
        """The figures as a Markdown table."""
        rows = self.figures()
        width = max(len(name) for name, _ in rows)
        lines = [f"| {name:<{width}} | {value:>12} |" for name, value in rows]
        head = [f"| {'figure':<{width}} | {'value':>12} |", f"|{'-' * (width + 2)}|{'-' * 13}:|"]
        return "\n".join([*head, *lines])


def evaluate_night(settings: Settings, business_date: date, truth: Path) -> Evaluation:
    """Compare a night's member links with a Parquet of source, account_id, person_id; with what any
    evidence could reach, if the night is the one in work/.
    """
    lake = Lake(settings.lake)
    nights = nights_of(lake, business_date)
    if not nights:
        links = lake.raw("identity", "member_links", business_date)
        raise Problem(f"{links} is missing; run resolve for {business_date} first")
    if not truth.is_file():
        raise Problem(
            f"{truth} is missing; --truth names a Parquet with source, account_id, person_id"
        )
    with open_engine(settings, lake.work / "spill_evaluation") as engine:
        show_night(engine, lake, nights, ["member_links"])
        engine.table("links", "select * from member_links")
        engine.load("truth", read_truth(truth))
        evaluation = compare(engine)
        if tonight_of(lake) != business_date:
            return evaluation
        show_holdings(engine, lake, business_date)
        return replace(evaluation, reachable_pair_count=reachable_pairs(engine))


def read_truth(path: Path) -> pa.Table:
    """Who is who: source, account_id, person_id; Problem if the file holds something else."""
    try:
        return pq.read_table(path, columns=list(TRUTH_COLUMNS), partitioning=None)
    except (OSError, ValueError, KeyError) as error:
        raise Problem(f"{path} must hold {', '.join(TRUTH_COLUMNS)}: {error}") from error


def keep_evaluation(settings: Settings, night: date) -> None:
    """Write what the run report shows of a night: nothing where nobody has labelled accounts."""
    lake = Lake(settings.lake)
    labels = lake.identity_labels
    evaluation = evaluate_night(settings, night, labels) if labels.is_file() else None
    write_parquet(evaluation_table(evaluation), lake.raw("identity", "evaluation", night))


def show_holdings(engine: Engine, lake: Lake, business_date: date) -> None:
    """Show what everybody holds on the night in work/: input_*, `kinds` and `all_holdings`."""
    identity = load_identity_settings()
    show_inputs(engine, lake, business_date)
    show_kinds(engine, identity)
    show_people(engine)
    show_everybodys_holdings(engine, identity, business_date)


def reachable_pairs(engine: Engine) -> int:
    """True pairs that are connected by accounts of their own person, each of which shares an
    identifier or a blocking key (valid tonight) with the next. Whoever knew the truth and could ask
    nobody could find no more. A shared address alone is a household, so it does not count.

    Reads `truth` and `links`, and `all_holdings` and `kinds` of show_holdings.
    """
    rows = engine.rows(SHARED_IN_TRUTH)
    ends = [rows[name].to_numpy() for name in ("low", "high")]
    _, component = components_of(ends[0].astype(np.int32), ends[1].astype(np.int32))
    sizes = np.unique(component, return_counts=True)[1].astype(np.int64)
    return int((sizes * (sizes - 1) // 2).sum())


def compare(engine: Engine) -> Evaluation:
    """Compare the tables `links` (source, account_id, member_id) and `truth` (source, account_id,
    person_id).
    """
    [figures] = engine.rows(FIGURES).to_pylist()
    return Evaluation(**figures)


def evaluation_table(evaluation: Evaluation | None) -> pa.Table:
    """The figures as the run report reads them; no rows for None."""
    figures = evaluation.figures() if evaluation is not None else []
    names, values = zip(*figures, strict=True) if figures else ((), ())
    columns = [pa.array(names, pa.string()), pa.array(values, pa.string())]
    return pa.table(columns, names=["figure", "value"])


def _harmonic_mean(one: float, other: float) -> float:
    return 2 * one * other / (one + other) if one + other else 0.0


SHARED_IN_TRUTH = """
with numbered as (
    select
        cast(row_number() over (order by t.source, t.account_id) as integer) as account,
        t.source,
        t.account_id,
        t.person_id
    from truth t
    join links l on l.source = t.source and l.account_id = t.account_id
),
held as (
    select h.kind, h.token, n.person_id, n.account
    from all_holdings h
    join kinds k on k.kind = h.kind and (k.named_rank is not null or k.is_block)
    join numbered n on n.source = h.source and n.account_id = h.account_id
),
shared as (
    select account, min(account) over (partition by kind, token, person_id) as first_account
    from held
)
select distinct first_account as low, account as high from shared where first_account < account
"""

# All figures follow from how many accounts each member shares with each person. B³ precision is the
# mean over accounts of the share of its member that is its person, hence sum(n² / size of member) /
# accounts.
FIGURES = """
with matched as (
    select l.member_id, t.person_id
    from links l
    join truth t on t.source = l.source and t.account_id = l.account_id
),
cells as (select member_id, person_id, count(*) as n from matched group by member_id, person_id),
members as (select member_id, sum(n) as n, count(*) as person_count from cells group by member_id),
persons as (select person_id, sum(n) as n, count(*) as member_count from cells group by person_id),
total as (select count(*) as n from matched),
outside as (
    select
        (select count(*) from links)
        + (select count(*) from truth)
        - 2 * (select n from total) as n
)
select
    (select n from total) as account_count,
    (select n from outside) as missing_count,
    (select count(*) from persons) as person_count,
    (select count(*) from members) as member_count,
    (select {pairs} from persons) as true_pair_count,
    (select {pairs} from members) as found_pair_count,
    (select {pairs} from cells) as right_pair_count,
    (select count(*) from members where person_count > 1) as over_merged_count,
    (select count(*) from persons where member_count > 1) as under_merged_count,
    (
        select coalesce(sum(cast(c.n * c.n as double) / m.n) / (select n from total), 1)
        from cells c join members m on m.member_id = c.member_id
    ) as b3_precision,
    (
        select coalesce(sum(cast(c.n * c.n as double) / p.n) / (select n from total), 1)
        from cells c join persons p on p.person_id = c.person_id
    ) as b3_recall
""".format(pairs="coalesce(cast(sum(n * (n - 1) / 2) as bigint), 0)")
