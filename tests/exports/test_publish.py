"""Publishing: what a version holds, when it is refused, and what a reader or a kill sees of it."""

import hashlib
import json
import signal
import subprocess
import sys
from collections.abc import Sequence
from datetime import date
from pathlib import Path

import duckdb
import pyarrow.parquet as pq
import pytest

from exports.publish import publish_night
from exports.reader import current_publication, require_publication
from ingest.core.errors import Problem
from ingest.core.lake import Lake, write_bytes
from ingest.core.settings import PROJECT, Settings
from tests.exports.small_night import (
    LAST_OF_JANUARY,
    MARTS,
    Night,
    build_night,
    pretend_verified,
    publish_small_night,
    settings_of,
)

NEXT = Night(date(2026, 2, 1), 2, LAST_OF_JANUARY)
POSTED_TABLES = [
    "activities",
    "member_links",
    "missions",
    "points_entries",
    "rating_outcomes",
    "row_outcomes",
    "settlement_lines",
    "tier_changes",
    "tier_evidence",
]


def publish(settings: Settings, night: Night) -> str:
    return publish_night(settings, night.business_date).publication.version


def file_digests(folder: Path, pattern: str) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob(pattern))
        if path.is_file()
    }


# What a version holds


def test_a_version_holds_every_mart_sorted_by_its_grain(tmp_path: Path) -> None:
    publication = publish_small_night(tmp_path).publication
    assert sorted(path.name for path in publication.folder.iterdir()) == sorted(
        ["manifest.json", "marts.duckdb", *(f"{name}.parquet" for name in MARTS)]
    )
    members = pq.read_table(publication.folder / "dim_members.parquet")
    assert members["member_id"].to_pylist() == ["M1", "M2"]
    assert members["mobile_masked"].to_pylist() == ["138****0001", None]
    with publication.connect() as marts:
        assert marts.execute("select line_id, amount_fen from fct_settlement_lines").fetchall() == [
            ("l1", 100),
            ("l2", 40),
        ]


def test_a_version_keeps_the_data_docs_of_its_night_outside_its_digest(tmp_path: Path) -> None:
    digest = publish_small_night(tmp_path / "without").publication.manifest["digest"]
    page = Lake(settings_of(tmp_path).lake).data_docs("batches") / "index.html"
    page.parent.mkdir(parents=True)
    page.write_text("<p>", encoding="utf-8")
    publication = publish_small_night(tmp_path).publication
    kept = publication.folder / "data_docs" / "batches" / "index.html"
    assert kept.read_text(encoding="utf-8") == "<p>"
    assert publication.manifest["digest"] == digest


def test_tables_and_columns_say_what_they_are(tmp_path: Path) -> None:
    with publish_small_night(tmp_path).publication.connect() as marts:
        table = marts.execute(
            "select comment from duckdb_tables() where table_name = 'dim_members'"
        ).fetchall()
        column = marts.execute(
            "select comment from duckdb_columns()"
            " where table_name = 'dim_members' and column_name = 'tier'"
        ).fetchall()
    assert table == [("表 of dim_members's rows.",)]
    assert column == [("tier it is",)]


def test_the_manifest_says_what_the_version_is_and_what_it_follows(tmp_path: Path) -> None:
    publish_small_night(tmp_path)
    manifest = publish_small_night(tmp_path, NEXT).publication.manifest
    assert {name: manifest[name] for name in manifest if name not in {"digest", "marts"}} == {
        "version": "2026-02-01-020202020202",
        "business_date": "2026-02-01",
        "run_key": "02" * 32,
        "input_key": "input of 2",
        "code_version": "code",
        "previous_version": "2026-01-31-010101010101",
        "previous_date": "2026-01-31",
        "previous_run_key": "01" * 32,
        "posted": [
            {"name": "activities", "rows": 2},
            {"name": "member_links", "rows": 2},
            {"name": "missions", "rows": 0},
            {"name": "points_entries", "rows": 2},
            {"name": "rating_outcomes", "rows": 0},
            {"name": "row_outcomes", "rows": 0},
            {"name": "settlement_lines", "rows": 1},
            {"name": "tier_changes", "rows": 0},
            {"name": "tier_evidence", "rows": 0},
        ],
    }
    assert [(mart["name"], mart["rows"]) for mart in manifest["marts"]] == [
        ("dim_businesses", 2),
        ("dim_members", 2),
        ("dim_parties", 3),
        ("fct_invariants", 11),
        ("fct_settlement_balances", 3),
        ("fct_settlement_lines", 2),
    ]
    assert all(len(mart["digest"]) == 64 for mart in manifest["marts"])


def test_the_database_says_which_version_it_is(tmp_path: Path) -> None:
    publication = publish_small_night(tmp_path).publication
    with publication.connect() as marts:
        meta = marts.execute(
            "select distinct version, business_date, run_key from _meta"
        ).fetchall()
        listed = marts.execute("select mart, row_count, digest from _meta order by mart").fetchall()
    assert meta == [("2026-01-31-010101010101", date(2026, 1, 31), "01" * 32)]
    assert listed == [(m["name"], m["rows"], m["digest"]) for m in publication.manifest["marts"]]


def test_the_database_is_written_for_the_oldest_duckdb_that_analysts_may_use(
    tmp_path: Path,
) -> None:
    with publish_small_night(tmp_path).publication.connect() as marts:
        written = marts.execute(
            "select tags['storage_version'] from duckdb_databases() where not internal"
        ).fetchall()
    assert written == [("v1.3.0+",)]


def test_the_database_is_closed_and_whole(tmp_path: Path) -> None:
    folder = publish_small_night(tmp_path).publication.folder
    assert not list(folder.glob("*.wal"))
    assert not list(folder.glob(".*"))


def test_postings_carry_their_date_in_the_folder_only(tmp_path: Path) -> None:
    publish_small_night(tmp_path)
    posted = tmp_path / "lake" / "posted"
    assert sorted(str(path.relative_to(posted)) for path in posted.rglob("*.parquet")) == [
        f"{table}/posted_date=2026-01-31/part.parquet" for table in POSTED_TABLES
    ]
    entries = pq.ParquetFile(posted / "points_entries/posted_date=2026-01-31/part.parquet").read()
    assert entries.to_pydict() == {"entry_id": ["e1", "e2"], "points": [60, 40]}
    links = pq.ParquetFile(posted / "member_links/posted_date=2026-01-31/part.parquet").read()
    assert links["source"].to_pylist() == ["pms", "pos"]
    changes = pq.ParquetFile(posted / "tier_changes/posted_date=2026-01-31/part.parquet").read()
    assert changes.num_rows == 0
    assert changes.column_names == ["change_id", "reason"]


def test_the_same_rows_in_another_order_give_the_same_bytes(tmp_path: Path) -> None:
    reorder = [
        "create table other as from fct_settlement_lines order by line_id",
        "drop table fct_settlement_lines",
        "alter table other rename to fct_settlement_lines",
    ]
    one = publish_small_night(tmp_path / "one").publication
    other = publish_small_night(tmp_path / "other", changes=reorder).publication
    assert one.manifest == other.manifest
    for pattern in ("*.parquet", "manifest.json"):
        assert file_digests(one.folder, pattern) == file_digests(other.folder, pattern)
    assert file_digests(tmp_path / "one/lake/posted", "*") == file_digests(
        tmp_path / "other/lake/posted", "*"
    )


def test_large_marts_give_the_same_bytes_every_time(tmp_path: Path) -> None:
    many = [
        """insert into fct_settlement_lines
        select md5(i::varchar), '2026-01-05', '2026-01-01', 'accrual', 'mall', 'fund', i % 97, null
        from range(300000) r(i)"""
    ]
    one = publish_small_night(tmp_path / "one", changes=many).publication
    other = publish_small_night(tmp_path / "other", changes=many).publication
    assert one.manifest == other.manifest
    assert file_digests(one.folder, "*.parquet") == file_digests(other.folder, "*.parquet")


# When nothing is published


def assert_refused(settings: Settings, night: Night, words: str) -> None:
    before = current_publication(Lake(settings.lake))
    with pytest.raises(Problem, match=words) as refusal:
        publish_night(settings, night.business_date)
    assert "\n" not in str(refusal.value)
    assert current_publication(Lake(settings.lake)) == before
    assert not list(Lake(settings.lake).published.glob("*.tmp"))


def test_a_night_that_was_not_verified_is_refused(tmp_path: Path) -> None:
    settings = build_night(tmp_path)
    assert_refused(
        settings, LAST_OF_JANUARY, "verify.json is missing; run python -m exports verify"
    )


def test_a_night_that_did_not_pass_is_refused(tmp_path: Path) -> None:
    settings = build_night(tmp_path)
    content = {"run_key": LAST_OF_JANUARY.run_key, "success": False, "marts": []}
    write_bytes(Lake(settings.lake).work / "verify.json", json.dumps(content).encode())
    assert_refused(settings, LAST_OF_JANUARY, "2026-01-31 did not pass")


def test_a_verification_of_another_run_does_not_count(tmp_path: Path) -> None:
    settings = build_night(tmp_path)
    pretend_verified(settings, Night(LAST_OF_JANUARY.business_date, 9))
    assert_refused(settings, LAST_OF_JANUARY, "another run of the night")


def test_marts_that_changed_after_they_were_verified_are_refused(tmp_path: Path) -> None:
    settings = build_night(tmp_path)
    pretend_verified(settings)
    with duckdb.connect(str(Lake(settings.lake).work / "onemember.duckdb")) as work:
        work.execute("delete from dim_members where member_id = 'M2'")
    assert_refused(settings, LAST_OF_JANUARY, "dim_members is not as it was verified")


def test_another_date_than_that_of_the_open_night_is_refused(tmp_path: Path) -> None:
    settings = build_night(tmp_path)
    pretend_verified(settings)
    assert_refused(settings, NEXT, "the open night is 2026-01-31, not 2026-02-01")


def test_a_lake_where_no_night_is_open_is_refused(tmp_path: Path) -> None:
    assert_refused(settings_of(tmp_path), LAST_OF_JANUARY, "no night is open")


def test_a_night_that_does_not_follow_what_is_published_is_refused(tmp_path: Path) -> None:
    publish_small_night(tmp_path)
    stranger = Night(date(2026, 2, 1), 3, Night(date(2026, 1, 30), 7))
    settings = build_night(tmp_path, stranger)
    pretend_verified(settings, stranger)
    assert_refused(
        settings, stranger, "was opened after 2026-01-30-070707070707, but 2026-01-31-01"
    )


def test_postings_of_a_night_that_was_never_published_are_refused(tmp_path: Path) -> None:
    publish_small_night(tmp_path)
    lake = Lake(settings_of(tmp_path).lake)
    lake.posted("points_entries", date(2026, 2, 1)).parent.mkdir(parents=True)
    later = Night(date(2026, 2, 2), 3, LAST_OF_JANUARY)
    settings = build_night(tmp_path, later)
    pretend_verified(settings, later)
    assert_refused(
        settings, later, "points_entries/posted_date=2026-02-01 is of a night that was not"
    )


def test_other_rows_under_a_known_run_key_are_refused(tmp_path: Path) -> None:
    publish_small_night(tmp_path)
    publish_small_night(tmp_path, NEXT)
    changed = ["update dim_members set tier = 'gold'"]
    (tmp_path / "lake/published/current").unlink()
    (tmp_path / "lake/published/current").symlink_to(LAST_OF_JANUARY.version)
    settings = build_night(tmp_path, NEXT, changed)
    pretend_verified(settings, NEXT)
    assert_refused(settings, NEXT, "holds other rows under the same run_key")


def test_a_lake_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    settings = build_night(tmp_path)
    pretend_verified(settings)
    Lake(settings.lake).published.write_text("a file where a folder belongs")
    with pytest.raises(Problem, match=r"cannot write .*published") as refusal:
        publish_night(settings, LAST_OF_JANUARY.business_date)
    assert "\n" not in str(refusal.value)


# Again, instead, and afterwards


def test_publishing_a_night_again_changes_nothing(tmp_path: Path) -> None:
    first = publish_small_night(tmp_path)
    before = file_digests(tmp_path / "lake", "*.*")
    again = publish_night(settings_of(tmp_path), LAST_OF_JANUARY.business_date)
    assert (first.is_new, again.is_new) == (True, False)
    assert again.publication == first.publication
    assert file_digests(tmp_path / "lake", "*.*") == before


def test_the_latest_night_can_be_replaced_and_its_postings_with_it(tmp_path: Path) -> None:
    publish_small_night(tmp_path)
    publish_small_night(tmp_path, NEXT)
    instead = Night(NEXT.business_date, 3, LAST_OF_JANUARY)
    one_less = ["delete from int_points_postings where entry_id = 'e2'"]
    publication = publish_small_night(tmp_path, instead, one_less).publication
    lake = Lake(settings_of(tmp_path).lake)
    assert require_publication(lake).version == instead.version
    assert publication.manifest["previous_version"] == LAST_OF_JANUARY.version
    posted = pq.ParquetFile(lake.posted("points_entries", NEXT.business_date)).read()
    assert posted["entry_id"].to_pylist() == ["e1"]
    assert (lake.published / NEXT.version).is_dir(), "people may still be reading it"


def test_the_last_seven_versions_are_kept(tmp_path: Path) -> None:
    published = tmp_path / "lake" / "published"
    for day in range(10, 18):
        (published / f"2026-01-{day}-ffffffffffff").mkdir(parents=True)
    (published / "2026-01-09-ffffffffffff.tmp").mkdir()
    publish_small_night(tmp_path)
    assert sorted(path.name for path in published.iterdir()) == [
        *(f"2026-01-{day}-ffffffffffff" for day in range(12, 18)),
        LAST_OF_JANUARY.version,
        "current",
    ]


def test_the_version_before_is_kept_however_old_it_is(tmp_path: Path) -> None:
    published = tmp_path / "lake" / "published"
    publish_small_night(tmp_path)
    for day in range(1, 8):
        (published / f"2026-02-0{day}-ffffffffffff").mkdir()
    publish_small_night(tmp_path, NEXT)
    assert (published / LAST_OF_JANUARY.version).is_dir()


# Kills and readers


@pytest.fixture(scope="module")
def two_nights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two nights that nothing happened to."""
    root = tmp_path_factory.mktemp("whole")
    publish_small_night(root)
    publish_small_night(root, NEXT)
    return root


KILLED = """
import os, signal, sys
from datetime import date
import exports.publish as step
from tests.exports.small_night import settings_of
from pathlib import Path
def die(*_):
    os.kill(os.getpid(), signal.SIGKILL)
setattr(step, sys.argv[2], die)
step.publish_night(settings_of(Path(sys.argv[1])), date(2026, 2, 1))
"""


@pytest.mark.parametrize(
    "moment",
    ["_write_meta", "_write_postings", "_put_version", "move_pointer", "_remove_old_versions"],
)
def test_a_kill_leaves_one_whole_version_and_the_next_attempt_ends_as_if_nothing_happened(
    tmp_path: Path, moment: str, two_nights: Path
) -> None:
    publish_small_night(tmp_path / "killed")
    pretend_verified(build_night(tmp_path / "killed", NEXT), NEXT)
    command = [sys.executable, "-c", KILLED, str(tmp_path / "killed"), moment]
    assert subprocess.run(command, cwd=PROJECT, check=False).returncode == -signal.SIGKILL
    seen = require_publication(Lake(tmp_path / "killed" / "lake"))
    moved = moment == "_remove_old_versions"
    assert seen.version == (NEXT if moved else LAST_OF_JANUARY).version
    with seen.connect() as marts:
        assert marts.execute("select sum(closing_fen) from fct_settlement_balances").fetchall() == [
            (0,)
        ]

    finished = publish_night(settings_of(tmp_path / "killed"), NEXT.business_date).publication
    killed, whole = tmp_path / "killed/lake", two_nights / "lake"
    assert finished.manifest == require_publication(Lake(whole)).manifest
    assert file_digests(killed / "posted", "*") == file_digests(whole / "posted", "*")
    assert not list(killed.glob("published/*.tmp")) or moved


READER = """
import sys
from pathlib import Path
import duckdb
folder, stop = Path(sys.argv[1]), Path(sys.argv[2])
versions, reads = set(), 0
while reads == 0 or not stop.exists():
    with duckdb.connect(str(folder / "current" / "marts.duckdb"), read_only=True) as marts:
        meta = marts.execute("select distinct version from _meta").fetchall()
        lines = marts.execute("select count(*) from fct_settlement_lines").fetchone()[0]
        members = marts.execute("select count(*) from dim_members").fetchone()[0]
        said = dict(marts.execute("select mart, row_count from _meta").fetchall())
        assert len(meta) == 1, meta
        assert (lines, members) == (said["fct_settlement_lines"], said["dim_members"])
        versions.add(meta[0][0])
        reads += 1
print(len(versions), reads)
"""


def test_readers_never_fail_and_never_see_two_versions_at_once(tmp_path: Path) -> None:
    publish_small_night(tmp_path)
    stop = tmp_path / "stop"
    command = [sys.executable, "-c", READER, str(tmp_path / "lake" / "published"), str(stop)]
    readers = [
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    night = LAST_OF_JANUARY
    try:
        for number in range(2, 8):
            night = Night(date(2026, 2, number - 1), number, night)
            publish_small_night(tmp_path, night, more_rows(number))
    finally:
        stop.touch()
    for reader in readers:
        output, errors = reader.communicate(timeout=60)
        assert reader.returncode == 0, errors
        versions, reads = map(int, output.split())
        assert versions >= 2
        assert reads >= versions


def more_rows(number: int) -> Sequence[str]:
    """Another number of rows in two marts for each night."""
    return [
        f"insert into dim_members (member_id) select 'N' || i from range({number * 1000}) r(i)",
        f"insert into fct_settlement_lines (line_id) select 'n' || i from range({number}) r(i)",
    ]
