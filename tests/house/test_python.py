"""The rules of the house for Python that no linter knows."""

import ast
import re
import subprocess
import sys
from pathlib import Path

from tests.house.project import (
    PACKAGES,
    PROJECT,
    businesses,
    files,
    imports,
    offences,
    python_files,
    text,
    tree,
)

LONGEST_FUNCTION_LINES = 70
CORE = {
    "__init__.py",
    "contract.py",
    "contract_file.py",
    "data_docs.py",
    "dates.py",
    "documents.py",
    "errors.py",
    "expectations.py",
    "fail_points.py",
    "fence.py",
    "identity_decisions.py",
    "lake.py",
    "rule_agreements.py",
    "log.py",
    "payments.py",
    "pointer.py",
    "privacy.py",
    "settings.py",
    "spark.py",
}
SETTINGS = Path("ingest/core/settings.py")
# What a run and its steps tell each other by the environment; standard library, no settings.
BETWEEN_PROCESSES = {
    "ingest.core.errors",
    "ingest.core.fail_points",
    "ingest.core.fence",
    "ingest.core.pointer",
}
SPARK_FILES = {
    *map(Path, ("dags/__main__.py", "dags/cluster.py", "dags/engine.py", "dags/pipeline.py")),
    *map(Path, ("identity_resolution/engine.py", "identity_resolution/resolve.py")),
    *map(Path, ("exports/spark_tables.py", "exports/verify.py", "ledger/engine.py")),
    *map(Path, ("ingest/core/settings.py", "ingest/core/spark.py")),
}
AIRFLOW_FILES = {
    *(
        Path("dags", f"{name}.py")
        for name in ("backfill", "monthly_close", "nightly", "punctuality", "tasks")
    ),
}
CLOCKS = {"now", "today", "utcnow", "time", "time_ns", "localtime", "gmtime"}
CLOCK_OWNERS = {"datetime", "date", "time"}


def test_only_the_settings_read_the_environment() -> None:
    found = [
        f"{path}:{node.lineno}: os.{node.attr}"
        for path in python_files(*PACKAGES)
        if path != SETTINGS
        and path.parts[0] != "dags"
        and ".".join(path.with_suffix("").parts) not in BETWEEN_PROCESSES
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Attribute) and node.attr in {"environ", "getenv", "putenv"}
    ]
    assert not found, offences(f"Read it in {SETTINGS} and pass it on:", found)


def test_no_step_looks_at_a_clock() -> None:
    found = [
        f"{path}:{node.lineno}: {ast.unparse(node.func)}()"
        for path in python_files(*PACKAGES)
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in CLOCKS
        and ast.unparse(node.func.value).rpartition(".")[2] in CLOCK_OWNERS
    ]
    assert not found, offences("The business date is an argument; take it from there:", found)


def test_functions_fit_on_a_screen() -> None:
    found = [
        f"{path}:{node.lineno}: {node.name} has {length} lines"
        for path in python_files(*PACKAGES, "tests", "benchmarks")
        for node in ast.walk(tree(path))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (length := (node.end_lineno or 0) - node.lineno + 1) > LONGEST_FUNCTION_LINES
    ]
    assert not found, offences(f"Split what is longer than {LONGEST_FUNCTION_LINES} lines:", found)


def test_every_module_is_used_by_another_one() -> None:
    python = python_files(*PACKAGES, "benchmarks")
    used = {name for path in python for name, _ in imports(path)}
    used |= {  # imported by name when it is needed
        node.value
        for path in python
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    used |= {f"ingest.demo.{business}" for business in businesses()}  # demo/business.py
    used |= {*re.findall(r"-m ([a-z_.]+)", text(Path("Makefile")))}
    found = [
        str(path)
        for path in python
        if path.name not in {"__init__.py", "__main__.py"}
        and path not in AIRFLOW_FILES
        and ".".join(path.with_suffix("").parts) not in used
    ]
    assert not found, offences("Nothing imports these; delete them or use them:", found)


def test_one_place_in_each_package_knows_spark() -> None:
    found = [
        f"{path}:{number}"
        for path in python_files(*PACKAGES)
        if path not in SPARK_FILES
        for number, line in enumerate(text(path).splitlines(), 1)
        if re.search(r"\b(py)?spark\b", line, re.I) and not line.strip().startswith("#")
    ]
    assert not found, offences("What differs by engine goes into the package's one place:", found)


def test_orchestration_needs_only_the_standard_library() -> None:
    found = []
    for path in python_files("dags"):
        allowed = {*sys.stdlib_module_names, "dags"} | (
            {"airflow"} & {"airflow" * (path in AIRFLOW_FILES)}
        )
        for name, line in imports(path):
            is_between = any(f"{name}.".startswith(f"{each}.") for each in BETWEEN_PROCESSES)
            if name.partition(".")[0] not in allowed and not is_between:
                found.append(f"{path}:{line}: import {name}")
    assert not found, offences(
        "dags runs the other packages as processes; only the DAG files import airflow:", found
    )


def test_only_the_dag_files_import_airflow() -> None:
    found = [
        f"{path}:{line}: import {name}"
        for path in python_files(*PACKAGES, "benchmarks")
        if path not in AIRFLOW_FILES
        for name, line in imports(path)
        if name.partition(".")[0] == "airflow"
    ]
    assert not found, offences("Airflow is imported in the DAG files alone:", found)


def test_only_the_steps_that_judge_import_great_expectations() -> None:
    commands = ["dags.__main__", "exports.__main__", "exports.nightly", "ingest.__main__"]
    program = f"import sys, {', '.join(commands)}; sys.exit('great_expectations' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], cwd=PROJECT, check=False)
    assert done.returncode == 0, "It takes seconds: import it where gate and verify judge"


def test_the_core_stays_at_the_few_modules_that_were_agreed() -> None:
    present = {path.name for path in files() if path.parent == Path("ingest/core")}
    assert present <= CORE, offences(
        "Shared Python lives in these modules only; put it into one of them or above:",
        sorted(present - CORE),
    )


def test_the_core_imports_nothing_that_stands_on_it() -> None:
    found = [
        f"{path}:{line}: import {name}"
        for path in python_files("ingest")
        if path.parent == SETTINGS.parent
        for name, line in imports(path)
        if name.startswith("ingest.") and not name.startswith("ingest.core")
    ]
    assert not found, offences("ingest.core is the bottom of the bottom:", found)


def test_the_name_of_a_test_is_a_sentence() -> None:
    found = [
        f"{path}:{node.lineno}: {node.name}"
        for path in python_files("tests")
        for node in ast.walk(tree(path))
        if isinstance(node, ast.FunctionDef)
        and node.name.startswith("test_")
        and len(node.name.split("_")) < 4
    ]
    assert not found, offences("Say what holds, as a sentence:", found)


def test_every_package_says_in_one_sentence_what_it_is() -> None:
    found = [
        str(path)
        for path in python_files(*PACKAGES)
        if text(path).strip() and not ast.get_docstring(tree(path))
    ]
    assert not found, offences("Begin with a docstring:", found)
