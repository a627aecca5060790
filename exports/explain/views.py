"""Explanations that analysts can query: views in every publication, words beside the numbers.

Views, because words as columns would double what outcomes and entries take on disk: they hold
nothing that their marts and `dim_rules` do not say.
"""

from dataclasses import dataclass

import duckdb

from exports.explain.words import ENTRY_NAME, ENTRY_WORDS, OUTCOME_NAME, OUTCOME_WORDS, TIER_WORDS
from exports.reader import sql_text
from exports.views import write_view


@dataclass(frozen=True)
class View:
    """A view: the mart whose rows and columns it has, and what it says besides, name by name."""

    mart: str
    description: str
    added: dict[str, tuple[str, str]]  # column: expression, description
    rule: str | None = None  # the column that names a rule's version


VIEWS = {
    "explained_outcomes": View(
        "fct_rating_outcomes",
        "积分结果说明 one row for each activity and rule: what it earned or why nothing, in words.",
        {
            "outcome_name": (OUTCOME_NAME, "结果 the outcome in Chinese."),
            "explanation": (OUTCOME_WORDS, "说明 the outcome as it is read to a member."),
        },
        rule="rule_id",
    ),
    "explained_entries": View(
        "fct_points_entries",
        "积分分录说明 one row for each posting, in words.",
        {
            "entry_name": (ENTRY_NAME, "分录 the entry type in Chinese."),
            "explanation": (ENTRY_WORDS, "说明 the entry as it is read to a member."),
        },
        rule="rule_id",
    ),
    "explained_tier_changes": View(
        "fct_tier_changes",
        "等级变动说明 one row for each change of a tier, in words.",
        {"explanation": (TIER_WORDS, "说明 the reason as it is read to a member.")},
    ),
}
RULES = "dim_rules"
OF_RULE = {
    "rule_name": "规则名称 name of the rule, if it has one.",
    "rule_source": "依据 the documents that say so.",
    "rule_approved_by": "批准 who approved it.",
}


def write_explanations(database: duckdb.DuckDBPyConnection) -> None:
    """Make the views in a database of marts, those whose marts it holds."""
    for name, view in VIEWS.items():
        reads = {view.mart, *([RULES] if view.rule else [])}
        if not write_view(database, name, _query(view), view.description, reads):
            continue
        for column, text in _described(database, view).items():
            database.execute(f"comment on column {name}.{column} is {sql_text(text)}")


def _described(database: duckdb.DuckDBPyConnection, view: View) -> dict[str, str]:
    """What each column says; those of the mart as the mart describes them."""
    of_mart = database.execute(
        "select column_name, comment from duckdb_columns() "
        "where table_name = $mart and comment is not null",
        {"mart": view.mart},
    ).fetchall()
    added = {column: text for column, (_, text) in view.added.items()}
    return {**dict(of_mart), **added, **(OF_RULE if view.rule else {})}


def _query(view: View) -> str:
    words = ", ".join(f"{expression} as {column}" for column, (expression, _) in view.added.items())
    said = f"select *, {words} from {view.mart}"
    if view.rule is None:
        return said
    return f"""
        select said.*, rules.rule_name, rules.source as rule_source,
            rules.approved_by as rule_approved_by
        from ({said}) as said
        left join {RULES} as rules on said.{view.rule} = rules.rule_id
    """
