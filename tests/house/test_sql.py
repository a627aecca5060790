"""The rules of the house for SQL: short models, two engines, integers for money, contracts."""

import ast
import re
from pathlib import Path

import yaml

from exports.publish import POSTINGS
from exports.reader import STORAGE
from tests.house.project import (
    DBT,
    PROJECT,
    described,
    files,
    jinja,
    marts,
    model_files,
    offences,
    python_files,
    sql,
    text,
    tree,
)

LONGEST_MODEL_LINES = 120
MOST_JOINS = 7
# Spark refuses these, or gives another answer than DuckDB; linters accept all of them (DESIGN §8).
NOT_PORTABLE = {
    r"::": "cast(x as type)",
    r"\bqualify\b": "row_number() in a subquery and a filter",
    r"\*\s*(exclude|except|replace)\b": "list the columns",
    r",\s*\bfrom\b": "no comma before from",
    r"\bat time zone\b": "time zones are dealt with in ingest",
    r"\basof\b": "a join on the dates of validity",
    r"\bstring_agg\b": "aggregate in Python",
    r"\bby name\b": "list the columns",
    r"\brecursive\b": "a fold in ledger",
    r"\bconcat\s*\(": "||, which is NULL where a part is NULL on both engines",
    r"\bregexp_\w+": "strings are cleaned in ingest",
    r"\bjson_\w+|->": "JSON is dealt with in ingest",
    r"\bsafe_cast\b": "try_cast",
    r"\b(now\s*\(|current_date|current_timestamp|today\s*\()": "the business date of int_tonight",
    r"\brandom\s*\(|\brand\s*\(|\buuid\s*\(": "something that gives the same bytes twice",
}
FLOATING = r"\b(double|float|real|float4|float8|decimal|numeric)\b"
JINJA_TAG = re.compile(
    r"^\{%-?\s*(for \w+ in var\('businesses'\)|endfor|if not loop\.last|endif)\s*-?%\}$"
)
JINJA_WORD = re.compile(r"\b(var|env_var|target|adapter|execute|run_query|this|modules|set)\b")
TYPES = {
    r".*_(fen|points|count)": {"bigint"},
    r".*_(date|month)": {"date"},
    r"(is|has)_.*": {"boolean"},
    r".*_id": {"string", "varchar"},
    r".*_at": {"timestamp"},
}


IN_PYTHON = NOT_PORTABLE | {
    r"\bgroup by all\b|\border by all\b": "name the columns",
    r"\barg_(max|min)": "max_by, min_by",
    r"\bvarchar\b": "string",
    r"\bsha256\s*\(": "md5",
    r"create .*\btable\b": "engine.table",
}


def test_sql_of_identity_resolution_runs_on_both_engines() -> None:
    found = [
        f"{path}:{node.lineno}: {word.pattern} - {instead}"
        for path in python_files("identity_resolution")
        if path.name not in {"engine.py", "evaluate.py"}
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Constant) and "select" in str(node.value)
        for word, instead in [(re.compile(key), value) for key, value in IN_PYTHON.items()]
        if word.search(str(node.value).lower())
    ]
    assert not found, offences("Spark reads this SQL too; write:", found)


def test_models_are_short() -> None:
    found = [
        f"{path}: {lines} lines"
        for path in model_files()
        if (lines := len(text(path).splitlines())) > LONGEST_MODEL_LINES
    ]
    assert not found, offences(f"Split models of more than {LONGEST_MODEL_LINES} lines:", found)


def test_models_join_few_things() -> None:
    found = [
        f"{path}: {joins} joins"
        for path in model_files()
        if (joins := len(re.findall(r"\bjoin\b", sql(path)))) > MOST_JOINS
    ]
    assert not found, offences(f"Split models of more than {MOST_JOINS} joins:", found)


def test_a_model_ends_by_selecting_its_last_thought() -> None:
    found = []
    for path in model_files():
        last = text(path).rstrip().splitlines()[-1]
        match = re.fullmatch(r"select \* from (\w+)", last)
        if not match or not re.search(rf"\b{match.group(1)} as (materialized )?\(", sql(path)):
            found.append(f"{path}: {last}")
    assert not found, offences("The last line is `select * from <the last CTE>`:", found)


def test_models_avoid_what_only_one_engine_understands() -> None:
    found = [
        f"{path}: {match.group()!r}; write {instead}"
        for path in model_files()
        for pattern, instead in NOT_PORTABLE.items()
        for match in re.finditer(pattern, sql(path))
    ]
    assert not found, offences("Both engines run this SQL:", found)


def test_only_the_engine_macros_name_an_engine() -> None:
    found = [
        f"{path}:{number}"
        for path in files()
        if path.suffix in {".sql", ".yml"} and path.parts[:3] != ("dbt_project", "macros", "engine")
        for number, line in enumerate(text(path).splitlines(), 1)
        if "target.type" in line or "adapter.dispatch" in line
    ]
    assert not found, offences("Put it into a macro in dbt_project/macros/engine:", found)


def test_models_hold_no_programs() -> None:
    found = []
    for path in model_files():
        for expression in jinja(path):
            is_tag = expression.startswith("{%")
            if (is_tag and not JINJA_TAG.match(expression)) or (
                not is_tag and JINJA_WORD.search(re.sub(r"'[^']*'", "''", expression))
            ):
                found.append(f"{path}: {expression}")
    assert not found, offences(
        "A model uses ref, source, a macro call or the loop over businesses, nothing else:", found
    )


def test_no_amount_is_a_floating_point_number() -> None:
    found = [
        f"{path}: {match.group()}"
        for path in model_files()
        for match in re.finditer(FLOATING, sql(path))
    ]
    assert not found, offences("Fen and points are bigint; divide_down divides:", found)


def test_published_columns_have_the_type_that_their_name_promises() -> None:
    found = [
        f"{path.stem}.{column['name']} is {column.get('data_type')}, not {types}"
        for path in marts()
        for column in described(path).get("columns", [])
        for pattern, types in TYPES.items()
        if re.fullmatch(pattern, column["name"]) and column.get("data_type") not in types
    ]
    assert not found, offences("Names and types go together (DESIGN §9):", found)


def test_every_mart_has_an_enforced_contract() -> None:
    project = yaml.safe_load((DBT / "dbt_project.yml").read_text(encoding="utf-8"))
    assert project["models"][project["name"]]["marts"]["+contract"] == {"enforced": True}
    found = [str(path) for path in marts() if "contract" in described(path).get("config", {})]
    assert not found, offences("dbt_project.yml enforces contracts; no mart says otherwise:", found)


def test_marts_that_are_no_tables_are_held_to_their_contract() -> None:
    macro = text(DBT / "macros" / "engine" / "materializations.sql")
    for kind in ("file", "derived"):
        [made] = re.findall(
            rf"materialization {kind}, adapter='duckdb'.*?endmaterialization", macro, re.DOTALL
        )
        assert "get_assert_columns_equivalent(sql)" in made


def test_the_working_database_is_written_like_the_published_one() -> None:
    profiles = yaml.safe_load(text(DBT / "profiles.yml"))
    options = profiles["onemember"]["outputs"]["duckdb"]["config_options"]
    assert options["storage_compatibility_version"] == STORAGE


def test_every_mart_and_every_column_of_it_is_described() -> None:
    found = [
        f"{path.stem}: no description or no columns in the YAML beside it"
        for path in marts()
        if not described(path).get("description") or not described(path).get("columns")
    ]
    found += [
        f"{path.stem}.{column['name']}: no description or no data_type"
        for path in marts()
        for column in described(path).get("columns", [])
        if not column.get("description") or not column.get("data_type")
    ]
    assert not found, offences("Analysts read these:", found)


def test_every_model_below_the_marts_is_read_by_something() -> None:
    read = set()
    for path in [*model_files(), *(p for p in files() if p.parts[:2] == ("dbt_project", "macros"))]:
        read |= set(re.findall(r"ref\('(\w+)'\)", text(path)))
    shapes = {
        shape
        for path in model_files()
        for shape in re.findall(r"over_businesses\('(\w+)'", text(path))
    }
    python = "\n".join(map(text, python_files("exports", "identity_resolution", "ledger")))
    found = [
        str(path)
        for path in model_files()
        if "marts" not in path.parts
        and path.stem not in read
        and not re.search(rf"\b{path.stem}\b", python)
        and not any(path.stem.endswith(f"__{shape}") for shape in shapes)
    ]
    assert not found, offences("Nothing reads these models; delete them or use them:", found)


def test_what_publishing_posts_is_written_by_its_model() -> None:
    """Spark shows publishing its tables, and no views."""
    models = {path.stem: text(path) for path in model_files()}
    found = [
        relation
        for relation, _ in POSTINGS.values()
        if not re.search(r"materialized='(file|table)'", models[relation])
    ]
    assert not found, offences("Give these models config(materialized='file'):", found)


def test_every_macro_is_called() -> None:
    sql_files = [
        path for path in files() if path.suffix == ".sql" and path.parts[0] == "dbt_project"
    ]
    defined = {
        name: path
        for path in sql_files
        for name in re.findall(r"\{%-?\s*macro (\w+)\(", text(path))
        if not name.startswith(("test_", "generate_", "materialization"))
    }
    everything = "\n".join(text(path) for path in sql_files)
    found = [
        f"{path}: {name}"
        for name, path in defined.items()
        if len(re.findall(rf"\b{name}\s*\(", everything)) < 2
    ]
    assert not found, offences("Nothing calls these macros:", found)


def test_every_staging_folder_holds_the_contract_of_its_source() -> None:
    folders = {path.parent for path in model_files() if "staging" in path.parts}
    found = [str(f) for f in folders if not (PROJECT / f / f"_{f.name}__sources.yml").is_file()]
    assert not found, offences("The contract is _<source>__sources.yml in:", sorted(found))


def test_every_staging_model_is_named_after_its_source() -> None:
    found = [
        str(path)
        for path in model_files()
        if "staging" in path.parts and not path.stem.startswith(f"stg_{Path(path).parent.name}__")
    ]
    assert not found, offences("stg_<source>__<things>:", found)
