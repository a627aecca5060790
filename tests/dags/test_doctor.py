"""The doctor: what it looks at, what it says of what is wrong, and that it says how to mend it."""

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from dags import doctor
from dags.pipeline import PROJECT
from ingest.core.lake import write_parquet
from tests.dags.small_lake import small_lake
from tests.dags.test_commands import dags

HOLD = """
import fcntl, sys, time
from pathlib import Path
from dags.runner import run_lock
with run_lock(Path(sys.argv[1])) as lock:
    lock.remember("2026-03-31")
    print("held", flush=True)
    time.sleep(600)
"""


def told(lake: Path, status: int) -> dict[str, dict[str, Any]]:
    """What the doctor says, by subject; of several the last."""
    done = dags(lake, "doctor", "--json")
    assert done.returncode == status, done.stdout + done.stderr
    findings: list[dict[str, Any]] = json.loads(done.stdout)
    assert all(each["mend"] for each in findings if each["state"] != "ok")
    assert not any(each["mend"] for each in findings if each["state"] == "ok")
    return {each["subject"]: each for each in findings}


def test_the_doctor_looks_at_everything_and_makes_nothing(tmp_path: Path) -> None:
    done = dags(tmp_path / "lake", "doctor")
    assert done.returncode == 0, done.stdout
    subjects = [line.split()[1] for line in done.stdout.splitlines()]
    machine = ["python", "packages", "engine", "memory", "lake", "disk", "keys", "alarms"]
    of_ingest = ["contracts", "rules", "key", "form"]
    assert subjects[:12] == machine + of_ingest
    assert subjects[-2:] == ["lock", "published"]
    assert not (tmp_path / "lake").exists()


@pytest.mark.parametrize(
    ("engine", "java", "status", "said"),
    [
        ("duckdb", None, 0, "ok     engine     duckdb\n"),
        ("spark", None, 0, "ok     engine     spark: "),
        ("spark", "nowhere", 1, "wrong  engine     no Java at nowhere/bin/java; run make spark"),
        ("sparkk", None, 1, "wrong  engine     ENGINE 'sparkk' is unknown"),
    ],
)
def test_the_doctor_looks_at_the_engine_that_is_asked_for(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    engine: str,
    java: str | None,
    status: int,
    said: str,
) -> None:
    monkeypatch.setenv("ENGINE", engine)
    if java:
        monkeypatch.setenv("JAVA_HOME", java)
    done = dags(tmp_path / "lake", "doctor")
    assert said in done.stdout
    assert (done.returncode, done.stderr) == (status, "")


def test_the_doctor_refuses_keys_that_others_can_read(tmp_path: Path) -> None:
    (tmp_path / "keys.json").write_text("{}")
    (tmp_path / "keys.json").chmod(0o644)
    done = dags(tmp_path / "lake", "doctor")
    assert done.returncode == 1
    keys = tmp_path / "keys.json"
    assert f"{keys} can be read by others; chmod 600 {keys}\n" in done.stdout


def test_a_holder_that_was_stopped_is_wrong_and_one_at_work_a_note(tmp_path: Path) -> None:
    lake = tmp_path / "lake"
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(lake)], cwd=PROJECT, stdout=subprocess.PIPE
    )
    assert holder.stdout is not None
    try:
        holder.stdout.readline()
        lock = told(lake, 0)["lock"]
        assert lock["state"] == "note"
        assert lock["text"] == f"held by {holder.pid}, night 2026-03-31"
        holder.send_signal(signal.SIGSTOP)
        lock = told(lake, 1)["lock"]
        assert lock["state"] == "wrong"
        assert f"held by a stopped process, {holder.pid}, night 2026-03-31" in lock["text"]
        assert f"kill -CONT {holder.pid}" in lock["mend"]
    finally:
        holder.kill()
        holder.wait()
    assert told(lake, 0)["lock"]["state"] == "ok"


def test_postings_of_earlier_code_are_named_with_the_columns_that_they_lack(tmp_path: Path) -> None:
    part = tmp_path / "lake" / "posted" / "member_links" / "posted_date=2026-03-30" / "part.parquet"
    write_parquet(pa.table({"source": ["pos"], "account_id": ["1"], "member_id": ["M1"]}), part)
    form = told(tmp_path / "lake", 1)["form"]
    assert form["state"] == "wrong"
    assert form["text"] == (
        f"{part} lacks previous_member_id, reason, it was posted by earlier code"
    )
    assert form["mend"] == "make the lake again: python -m dags rebuild --into DIR"


def test_keys_of_another_lake_are_wrong(tmp_path: Path) -> None:
    subprocess.run(
        [sys.executable, "-m", "ingest", "keys"], cwd=PROJECT, check=True, capture_output=True,
        env=os.environ | {"KEYS_FILE": str(tmp_path / "keys.json")},
    )  # fmt: skip
    assert told(tmp_path / "lake", 0)["key ids"]["state"] == "ok"
    made = tmp_path / "lake" / "raw" / "token_keys" / "t1.json"
    made.parent.mkdir(parents=True)
    made.write_text(json.dumps({"from_date": "1970-01-01", "check": "of another key"}))
    keys = told(tmp_path / "lake", 1)["key ids"]
    assert keys["text"] == "token key t1 is not the one that made this lake"
    assert keys["mend"] == "set KEYS_FILE to the keys file that did"


def test_a_broken_rule_book_is_wrong_and_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    books = shutil.copytree(PROJECT / "dbt_project" / "rules", tmp_path / "rules")
    (books / "programme" / "tax.yml").write_text("sales: [{from: yesterday}]\n", encoding="utf-8")
    monkeypatch.setenv("RULES_DIR", str(books))
    rules = told(tmp_path / "lake", 1)["rules"]
    assert rules["state"] == "wrong"
    assert "tax.yml" in rules["text"]


@pytest.mark.parametrize(
    ("limit", "state"), [("6GB", "ok"), ("1 KiB", "ok"), ("900TB", "note"), ("much", "wrong")]
)
def test_memory_is_compared_with_what_the_machine_has(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: str, state: str
) -> None:
    monkeypatch.setenv("MEMORY_LIMIT", limit)
    assert doctor._memory().state == state


def test_a_lake_whose_readers_see_an_earlier_version_is_noted(tmp_path: Path) -> None:
    lake = small_lake(tmp_path)
    for version in ("v1", "v2"):
        folder = lake / "published" / version
        folder.mkdir(exist_ok=True)
        manifest = {"business_date": "2026-03-30", "version": version}
        (folder / "manifest.json").write_text(json.dumps(manifest))
    move = {"action": "rollback", "from_version": "v2", "to_version": "v1"}
    move |= {"latest_version": "v2", "by": "LiMei", "why": "wrong", "on_date": "2026-03-31"}
    (lake / "decisions" / "publications").mkdir()
    (lake / "decisions" / "publications" / "0001.json").write_text(json.dumps(move))
    published = told(lake, 1)["published"]  # its postings are no Parquet, besides
    assert (published["state"], published["text"]) == ("note", "v1, and not the last one, v2")
    said = dags(lake, "status").stdout.splitlines()
    assert "moved      rollback by LiMei: wrong; last v2" in said
