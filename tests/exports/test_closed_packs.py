"""Packs of closed months: what they name, what is found when they were touched, kills."""

from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import duckdb
import pytest

from exports.folder import ExportFolder
from exports.statements.pack import write_pack
from exports.statements.verify import verify_statements
from ingest.core.errors import Problem
from tests.exports.closing_group import (
    FEB_28,
    JAN_31,
    OWN,
    A,
    B,
    Group,
    closed,
    files_of,
    manifest,
    restated,
    through,
)


def damage_file(folder: Path) -> None:
    next(folder.glob("明细_*.csv")).write_bytes(b"torn")


def lose_folder(folder: Path) -> None:
    for path in folder.iterdir():
        path.unlink()


def break_chain(folder: Path) -> None:
    path = folder / "manifest.json"
    path.write_text(path.read_text(encoding="utf-8").replace("sales.csv", "other.csv"))


def add_file(folder: Path) -> None:
    (folder / "notes.txt").write_text("mine")


@pytest.mark.parametrize(
    ("harm", "said"),
    [
        (damage_file, "has another SHA-256 than its manifest says"),
        (lose_folder, "statement JS-2026-01-MALL-001-v1 is closed but not in the outbox"),
        (break_chain, "is chained to another one than that of JS-2026-01-MALL-001-v1"),
        (add_file, "notes.txt is not in the manifest"),
    ],
)
def test_verifying_finds_what_happened_to_a_closed_statement(
    group: Group, harm: Callable[[Path], None], said: str
) -> None:
    restated(group)
    good = verify_statements(group.lake)
    assert (good.statement_count, good.file_count, good.faults) == (6, 30, ())
    harm(group.lake.outbox / "statements" / "2026-01" / "mall")
    assert any(said in fault for fault in verify_statements(group.lake).faults)


def test_a_damaged_statement_that_would_be_another_one_today_is_not_written_again(
    group: Group,
) -> None:
    restated(group)
    folder = group.lake.outbox / "statements" / "2026-01-v2" / "mall"
    damage_file(folder)
    marts = group.lake.published / "current" / "marts.duckdb"
    with duckdb.connect(str(marts.resolve())) as connection:
        connection.execute("update dim_parties set legal_entity_name = '新名称有限公司'")
    with pytest.raises(Problem, match="what is published today would make another statement"):
        write_pack(group.settings, "2026-01")
    assert next(folder.glob("明细_*.csv")).read_bytes() == b"torn"


@pytest.mark.parametrize("point", ["add_csv", "add_file", "finish"])
def test_a_closed_pack_that_was_killed_between_its_files_has_no_manifest_and_is_written_again(
    group: Group, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, point: str
) -> None:
    through(group, "2026-01", "freeze", "review", "confirm", "close")

    def stop(*_: Any, **__: Any) -> Any:
        raise KeyboardInterrupt

    with monkeypatch.context() as killed:
        killed.setattr(ExportFolder, point, stop)
        with pytest.raises(KeyboardInterrupt):
            write_pack(group.settings, "2026-01")
    assert list((group.lake.outbox / "statements").rglob("manifest.json")) == []
    write_pack(group.settings, "2026-01")
    other = Group(tmp_path / "other")
    other.publish(JAN_31, A, B)
    closed(other, "2026-01")
    assert files_of(group.lake.outbox) == files_of(other.lake.outbox)


def test_a_statement_is_not_chained_to_one_that_is_not_there(group: Group) -> None:
    through(group, "2026-01", "freeze", "review", "confirm", "close")
    group.publish(FEB_28, OWN)
    through(group, "2026-02", "freeze")
    with pytest.raises(
        Problem, match="JS-2026-01-HOTEL-001-v1, to which the one of 2026-02 is cha"
    ):
        write_pack(group.settings, "2026-02")


def test_the_manifest_names_inputs_rules_code_and_the_statement_before(group: Group) -> None:
    closed(group, "2026-01")
    first = group.lake.outbox / "statements" / "2026-01" / "mall" / "manifest.json"
    group.publish(FEB_28, OWN)
    closed(group, "2026-02")
    said = manifest(group, "2026-01")
    assert (said["rules_version"], said["code_version"]) == ("0f" * 32, "c0" * 32)
    assert [(entry["source_file"], entry["sha256"], entry["rows"]) for entry in said["inputs"]] == [
        ("sales.csv", "abc", 3)
    ]
    assert said["previous_manifest_sha256"] is None
    second = manifest(group, "2026-02")
    assert second["inputs"] == []
    assert second["previous_manifest_sha256"] == sha256(first.read_bytes()).hexdigest()
    assert second["statement_no"] == "JS-2026-02-MALL-002-v1"


def test_the_statement_shows_the_state_of_the_day_and_who_brought_it_there(group: Group) -> None:
    found = []
    for name in ("freeze", "review", "confirm", "close"):
        through(group, "2026-01", name)
        write_pack(group.settings, "2026-01")
        said = manifest(group, "2026-01")
        found.append((said["status"], said["reviewed_by"], said["confirmed_by"]))
    assert found == [
        ("待复核", None, None),
        ("待确认", "王芳　2026-01-31", None),
        ("已确认", "王芳　2026-01-31", "李强　2026-01-31"),
        ("已关账", "王芳　2026-01-31", "李强　2026-01-31"),
    ]
    folder = group.lake.outbox / "statements" / "2026-01" / "mall"
    assert sorted(path.name for path in folder.iterdir()) == [
        "manifest.json",
        "manifest.json.sig",
        "signing_key.pem",
        "封面_购物中心_2026-01_已关账.pdf",
        "往来_购物中心_2026-01_已关账.csv",
        "明细_购物中心_2026-01_已关账.csv",
        "结算单_购物中心_2026-01_已关账.xlsx",
    ]
