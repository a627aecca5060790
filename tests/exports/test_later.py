"""Imports that are put off: nothing happens before something is used, and then all of it."""

import importlib
import sys
from pathlib import Path

import pytest

from exports.later import put_off


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A package `slowlib` with a module `slowlib.charts` that leaves a trace when imported."""
    folder = tmp_path / "slowlib"
    folder.mkdir()
    (folder / "__init__.py").write_text("")
    (folder / "charts.py").write_text(
        f"from pathlib import Path\nPath({str(tmp_path)!r}, 'trace').touch()\nanswer = 42\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    for name in ("slowlib", "slowlib.charts"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    return "slowlib.charts"


def test_a_module_is_imported_only_when_something_in_it_is_used(
    package: str, tmp_path: Path
) -> None:
    put_off(package)
    slowlib = importlib.import_module("slowlib")
    charts = importlib.import_module(package)
    assert charts is slowlib.charts
    assert not (tmp_path / "trace").exists()
    assert charts.answer == 42
    assert (tmp_path / "trace").exists()
    assert sys.modules[package].__dict__["answer"] == 42


def test_a_name_that_the_module_lacks_is_still_an_error(package: str) -> None:
    put_off(package)
    with pytest.raises(AttributeError, match="no attribute 'question'"):
        _ = importlib.import_module(package).question


def test_a_module_that_is_imported_already_stays(package: str) -> None:
    imported = importlib.import_module(package)
    put_off(package)
    assert importlib.import_module(package) is imported
