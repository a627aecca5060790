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
    rules: tuple[str, ...] = ("rule_id",)  # columns that name a rule's version


VIEWS = {
    "explained_outcomes": View(
        "fct_rating_outcomes",
        "积分结果说明 one row for each activity and rule: what it earned or why nothing, in words.",
        {
            "outcome_name": (OUTCOME_NAME, "结果 the outcome in Chinese."),
            "explanation": (OUTCOME_WORDS, "说明 the outcome as it is read to a member."),
        },
        rules=("rule_id", "tier_rule_id"),
    ),
    "explained_entries": View(
        "fct_points_entries",
        "积分分录说明 one row for each posting, in words.",
        {
            "entry_name": (ENTRY_NAME, "分录 the entry type in Chinese."),
            "explanation": (ENTRY_WORDS, "说明 the entry as it is read to a member."),
        },
    ),
    "explained_tier_changes": View(
        "fct_tier_changes",
        "等级变动说明 one row for each change of a tier, in words.",
        {"explanation": (TIER_WORDS, "说明 the reason as it is read to a member.")},
    ),
}
RULES = "dim_rules"
# What is said of the rule that a column names, with that column's name before it.
OF_RULE = {
    "name": ("rule_name", "名称 name, if it has one."),
    "valid_from_date": ("valid_from_date", "生效日 first day on which this version is in force."),
    "source": ("source", "依据 the documents that say so."),
    "approved_by": ("approved_by", "批准 who approved it."),
}


def write_explanations(database: duckdb.DuckDBPyConnection) -> None:
    """Make the views in a database of marts, those whose marts it holds."""
    for name, view in VIEWS.items():
        if not write_view(database, name, _query(view), view.description, {view.mart, RULES}):
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
    of_rules = {
        f"{_rule(column)}_{name}": f"{_rule(column)}: {text}"
        for column in view.rules
        for name, (_, text) in OF_RULE.items()
    }
    return {**dict(of_mart), **added, **of_rules}


def _query(view: View) -> str:
    words = [f"{expression} as {column}" for column, (expression, _) in view.added.items()]
    of_rules = [
        f"of_{_rule(column)}.{held} as {_rule(column)}_{name}"
        for column in view.rules
        for name, (held, _) in OF_RULE.items()
    ]
    joins = [
        f"left join {RULES} as of_{_rule(column)} on said.{column} = of_{_rule(column)}.rule_id"
        for column in view.rules
    ]
    return f"""
        select said.*, {", ".join(of_rules)}
        from (select *, {", ".join(words)} from {view.mart}) as said
        {" ".join(joins)}
    """


def _rule(column: str) -> str:
    """What a column names: rule_id a rule, tier_rule_id a tier_rule."""
    return column.removesuffix("_id")
