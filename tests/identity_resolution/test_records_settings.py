"""What a person may say of a table of records, and what is said back when it cannot be."""

from pathlib import Path

import pyarrow as pa
import pytest

from identity_resolution.__main__ import main
from identity_resolution.records.kinds import cleaner
from identity_resolution.records.settings import load_record_settings
from identity_resolution.records.table import read_records
from ingest.core.errors import Problem, run_command
from tests.identity_resolution.tables import write


def settings_of(folder: Path, text: str) -> Path:
    path = folder / "settings.yml"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("columns: {a: nickname}", "column 'a' is of the unknown kind 'nickname'; it is one of"),
        ("columns: {}", "names no column"),
        ("id: a", "has no 'columns'"),
        ("kolumns: 1\ncolumns: {a: surname}", "'kolumns' is unknown"),
        ("columns: [", "is not YAML"),
    ],
)
def test_settings_that_cannot_be_are_told_in_one_line(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(Problem, match=told):
        load_record_settings(settings_of(tmp_path, text))


def test_a_column_or_file_that_is_not_there_is_told_in_one_line(tmp_path: Path) -> None:
    path, settings = write(tmp_path, pa.table({"a": ["x"]}), {"b": "surname"})
    with pytest.raises(Problem, match="has no column 'b'; it has a"):
        read_records(path, load_record_settings(settings))
    with pytest.raises(Problem, match="is missing; --records names"):
        read_records(tmp_path / "no.csv", load_record_settings(settings))


def test_an_id_that_two_records_share_is_refused(tmp_path: Path) -> None:
    table = pa.table({"a": ["x", "y"], "n": ["1", "1"]})
    path, settings = write(tmp_path, table, {"a": "surname"}, "n")
    with pytest.raises(Problem, match="does not name each record once"):
        read_records(path, load_record_settings(settings))


def test_options_of_the_other_kind_of_evaluation_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    records = ["evaluate", "--records", str(tmp_path / "x.csv")]
    assert run_command(main, records) == 1
    assert run_command(main, [*records, "--settings", "s.yml", "--compare"]) == 1
    assert run_command(main, ["evaluate", "--date", "2026-11-25", "--settings", "s.yml"]) == 1
    told = capsys.readouterr().err.splitlines()
    assert [line.split(" ")[1] for line in told] == ["--records", "--compare", "--settings"]


@pytest.mark.parametrize(
    ("kind", "written", "cleaned"),
    [
        ("birth_date", "09/29/|994", "19940929"),
        ("birth_date", "29.09.1994", "19940929"),
        ("birth_date", "1994-09-29 00:00:00", "19940929"),
        ("birth_date", "12042018", "20181204"),
        ("birth_date", "19191204", "19191204"),
        ("birth_date", "1990年1月2日", "19900102"),
        ("given_name", "José-María", "jose maria"),
        ("surname", "NA", None),
        ("full_name", "歐陽 修", "ouyang xiu"),
        ("full_name", "欧阳修", "ouyang xiu"),
        ("full_name", "Xiu OUYANG", "ouyang xiu"),
        ("document", "786-77-6454", "786776454"),
        ("postcode", "00000", None),
        ("phone", "+86 138 0013 8000", "13800138000"),
        ("phone", "123", None),
        ("email", "A.B@X.org ", "a.b@x.org"),
        ("email", "nobody", None),
        ("address", "12 Main St.", "12 main street"),
        ("number", "007.0", "7"),
    ],
)
def test_a_value_is_cleaned_by_its_kind(kind: str, written: str, cleaned: str | None) -> None:
    assert cleaner(kind)(written) == cleaned
