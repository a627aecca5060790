"""Rule books that tests write anew, compile and see refused."""

from pathlib import Path
from typing import Any

import pytest

from ingest.core.errors import Problem
from ingest.core.settings import load_settings
from ingest.rules.books import load_rule_books
from ingest.rules.compile import compile_rules

PROJECT = load_settings().dbt_project


def change(path: Path, old: str, new: str) -> int:
    """Replace text once; the line on which it stands."""
    text = path.read_text(encoding="utf-8")
    assert old in text, f"{old!r} is not in {path}"
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    return text[: text.index(old)].count("\n") + 1


def compiled(rules: Path, name: str) -> list[dict[str, Any]]:
    """The rows of one table of the compiled books."""
    rows: list[dict[str, Any]] = compile_rules(load_rule_books(rules, PROJECT))[name].to_pylist()
    return rows


def must_refuse_spoiled(path: Path, book: str, old: str, new: str, line: int, reason: str) -> None:
    """The books are refused for a line of this one, written with one place of it spoiled."""
    assert old in book
    path.write_text(book.replace(old, new, 1), encoding="utf-8")
    must_refuse(path.parents[1], path, line, reason)


def must_refuse(rules: Path, path: Path, line: int, reason: str) -> None:
    """The books are refused for a line of one of them."""
    with pytest.raises(Problem) as caught:
        load_rule_books(rules, PROJECT)
    assert str(caught.value).startswith(f"{path}:{line}:")
    assert reason in str(caught.value)
