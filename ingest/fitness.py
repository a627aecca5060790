"""What only ingest can tell of a machine and its lake: contracts, rule books, keys, form.

`python -m dags doctor` asks it in one process, because each costs seconds of imports.
"""

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import yaml

from ingest.core.contract import load_source, meta_of, source_names
from ingest.core.errors import Problem, one_line
from ingest.core.lake import PART, Lake
from ingest.core.privacy import read_keys
from ingest.core.settings import Settings
from ingest.expectation_files import written_expectations
from ingest.generations import check_keys
from ingest.night import LAKE_SOURCES
from ingest.rules.books import load_rule_books
from ingest.rules.compile import compile_rules

POSTED = "posted/"
Finding = tuple[str, str, str, str]  # subject, state, what it is, how to mend it


def findings(settings: Settings) -> Iterator[Finding]:
    """A finding for each thing looked at; nothing is written."""
    for subject, look, mend in (
        ("contracts", _contracts, "mend the contract that it names"),
        ("rules", _rules, "mend the line that it names"),
        ("key ids", _keys, "restore the keys file that made this lake"),
        ("form", _form, "make the lake again: python -m dags rebuild --into DIR"),
    ):
        try:
            yield subject, "ok", look(settings), ""
        except Problem as problem:
            text, _, said = one_line(problem).partition("; ")
            yield subject, "wrong", text, said or mend


def _contracts(settings: Settings) -> str:
    names = source_names(settings.dbt_project)
    for name in names:
        written_expectations(settings.dbt_project, load_source(settings.dbt_project, name))
    return f"{len(names)} sources"


def _rules(settings: Settings) -> str:
    tables = compile_rules(load_rule_books(settings.rules, settings.dbt_project))
    return f"{sum(table.num_rows for table in tables.values())} rules in {settings.rules}"


def _keys(settings: Settings) -> str:
    """Whether the keys are those of the lake; no file is a matter of the doctor's own."""
    if not settings.keys_file.is_file():
        return "no keys file yet"
    keys = read_keys(settings.keys_file)
    check_keys(Lake(settings.lake), keys)
    return f"token key {keys.token_key_id} and master key {keys.master_key_id} in use"


def _form(settings: Settings) -> str:
    """Whether every posted partition has the columns that this code reads."""
    content = (settings.dbt_project / LAKE_SOURCES).read_text(encoding="utf-8")
    count = 0
    for source in yaml.safe_load(content)["sources"]:
        location = meta_of(source).get("location", "")
        for table in source["tables"] if location.startswith(POSTED) else []:
            wanted = {column["name"] for column in table["columns"]}
            folder = settings.lake / location.format(name=table["name"])
            for path in sorted(folder.glob(f"*/{PART}")):
                count += 1
                _check_columns(path, wanted)
    return f"{count} posted partitions have the columns of this code"


def _check_columns(path: Path, wanted: set[str]) -> None:
    try:
        lacking = sorted(wanted - {*pq.read_schema(path).names})
    except (OSError, pa.ArrowException) as error:
        raise Problem(f"{path} cannot be read; restore it from a backup") from error
    if lacking:
        raise Problem(f"{path} lacks {', '.join(lacking)}, it was posted by earlier code")
