"""What the rules of the house look at: the files of the project, parsed once."""

import ast
import re
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import yaml

PROJECT = Path(__file__).resolve().parents[2]
PACKAGES = ("ingest", "identity_resolution", "ledger", "exports", "dags")
DBT = PROJECT / "dbt_project"
MODELS = DBT / "models"


@cache
def files() -> tuple[Path, ...]:
    """Every file that is, or could be, committed; relative to the project."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=True,
    )
    paths = {Path(name) for name in listed.stdout.splitlines()}
    return tuple(sorted(path for path in paths if (PROJECT / path).is_file()))


def text(path: Path) -> str:
    """The text of a file of the project."""
    return (PROJECT / path).read_text(encoding="utf-8")


def python_files(*folders: str) -> list[Path]:
    """The Python files in some top folders."""
    return [path for path in files() if path.suffix == ".py" and path.parts[0] in folders]


@cache
def tree(path: Path) -> ast.Module:
    """A Python file, parsed."""
    return ast.parse(text(path), str(path))


def imports(path: Path) -> Iterator[tuple[str, int]]:
    """Every module that a Python file imports, wherever it does, with the line."""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.module, f"{path}:{node.lineno}: import by full name"
            yield node.module, node.lineno
            yield from ((f"{node.module}.{alias.name}", node.lineno) for alias in node.names)


def model_files() -> list[Path]:
    """The SQL models."""
    return [
        path
        for path in files()
        if path.suffix == ".sql" and (PROJECT / path).is_relative_to(MODELS)
    ]


def businesses() -> list[str]:
    """The businesses of the group."""
    project = yaml.safe_load(text(Path("dbt_project/dbt_project.yml")))
    names: list[str] = project["vars"]["businesses"]
    return names


def marts() -> list[Path]:
    """The SQL models that are published."""
    return [path for path in model_files() if "marts" in path.parts]


def sql(path: Path) -> str:
    """The SQL of a file in lower case, without comments, Jinja and the content of quotes."""
    bare = re.sub(r"\{#.*?#\}|\{%.*?%\}|--[^\n]*|/\*.*?\*/", " ", text(path), flags=re.S)
    bare = re.sub(r"\{\{.*?\}\}", "jinja", bare, flags=re.S)
    return re.sub(r"'[^']*'", "''", bare).lower()


def jinja(path: Path) -> list[str]:
    """The Jinja expressions and tags of a file."""
    return re.findall(
        r"\{\{.*?\}\}|\{%.*?%\}", re.sub(r"\{#.*?#\}", "", text(path), flags=re.S), re.S
    )


@cache
def described(path: Path) -> dict[str, Any]:
    """What the YAML beside a model says of it; empty if it says nothing."""
    for beside in sorted((PROJECT / path).parent.glob("*.yml")):
        for model in (yaml.safe_load(beside.read_text(encoding="utf-8")) or {}).get("models", []):
            if model["name"] == path.stem:
                return dict(model)
    return {}


def offences(rule: str, found: list[str]) -> str:
    """The message of a broken rule: what to do, then every place."""
    return f"{rule}\n" + "\n".join(f"  {line}" for line in found)
