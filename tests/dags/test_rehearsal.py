"""Rehearsals of fake steps on a lake of a few files: what a copy holds, and that it goes away."""

import io
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path

import pytest

from dags.pipeline import PROJECT, Step, nightly, up_to_step, without_deliveries
from dags.rehearsal import Delivered, Variant, log_of, next_night, rehearsal
from dags.runner import Board, Trouble, run_lock
from tests.dags.small_lake import FILES, files, roll_back_small_lake, small_lake
from tests.dags.test_commands import dags

IN_THE_COPY = [
    "decisions/identity/one.json",
    "posted/points_entries/posted_date=2026-03-30/part.parquet",
    "published/v1/manifest.json",
    "raw/hotel/guests/load_date=2026-03-30/part.parquet",
]
GUESTS = IN_THE_COPY[-1]


@pytest.fixture
def lake(tmp_path: Path) -> Path:
    return small_lake(tmp_path)


@contextmanager
def rehearsed(
    lake: Path, *variants: Variant, status: int = 0, delivered: Delivered | None = None
) -> Iterator[list[Path]]:
    command = f"tests.dags.fake_step {status} {lake.parent} build {{date}} {{replace}}"
    steps = [Step("build", command, (), "A fake.")]
    with rehearsal(lake, variants, steps, Board(io.StringIO()), delivered) as copies:
        yield copies


def said(copy: Path, variant: Variant) -> str:
    """The command of the fake step, as its log begins."""
    return log_of(copy, variant, "build").read_text().splitlines()[0]


def write_over(copy: Path) -> None:
    """Change a file as the platform does: written aside, then renamed."""
    aside = copy / "aside"
    aside.write_text("changed")
    aside.replace(copy / GUESTS)


def test_a_copy_holds_links_to_what_the_last_night_left_and_nothing_of_a_later_one(
    lake: Path,
) -> None:
    with rehearsed(lake, Variant("as it is")) as (copy,):
        found = [name for name in files(copy) if not name.startswith("work/")]
        assert found == IN_THE_COPY
        assert (copy / GUESTS).stat().st_ino == (lake / GUESTS).stat().st_ino
        assert (copy / "published" / "current").readlink() == Path("v1")


def test_what_a_copy_writes_is_its_own_and_goes_with_it(lake: Path) -> None:
    with rehearsed(lake, Variant("as it is"), Variant("changed", write_over)) as (one, other):
        assert (one / GUESTS).read_text() == "delivered"
        assert (other / GUESTS).read_text() == "changed"
    assert files(lake) == FILES
    assert not (lake / "work" / "rehearsal").exists()


def test_a_zone_on_another_disk_is_copied_and_never_written_into(
    lake: Path, tmp_path: Path
) -> None:
    (lake / "raw").rename(tmp_path / "elsewhere")
    (lake / "raw").symlink_to(tmp_path / "elsewhere")
    with rehearsed(lake, Variant("changed", write_over)) as (copy,):
        assert (copy / GUESTS).read_text() == "changed"
    assert (lake / GUESTS).read_text() == "delivered"


def test_the_steps_work_on_the_copy_in_the_environment_of_their_variant(lake: Path) -> None:
    with rehearsed(lake, Variant("changed", environment={"NIGHT_OF": "other rules"})) as (copy,):
        log = (copy / "work" / "logs" / "changed" / "build.log").read_text()
        assert log.endswith(" for other rules\n")


def test_a_night_without_deliveries_sees_none_and_is_the_next_one(lake: Path) -> None:
    tried = Variant("as it is")
    with rehearsed(lake, tried) as (copy,):
        assert not (copy / "landing").exists()
        assert said(copy, tried).endswith(" build 2026-03-31")


@pytest.mark.parametrize(("is_replacing", "end"), [(True, " --replace"), (False, "")])
def test_a_delivered_night_is_the_one_that_is_asked_for_and_sees_what_landed(
    lake: Path, is_replacing: bool, end: str
) -> None:
    tried, delivered = Variant("dry run"), Delivered(date(2026, 3, 30), is_replacing)
    with rehearsed(lake, tried, delivered=delivered) as (copy,):
        assert (
            copy / "landing" / "hotel" / "2026-03-30" / "guests.csv"
        ).read_text() == "as it came"
        assert said(copy, tried).endswith(f" build 2026-03-30{end}")
    assert files(lake) == FILES


def test_a_first_night_is_rehearsed_on_nothing_but_what_landed(lake: Path) -> None:
    (lake / "published" / "current").unlink()
    with rehearsed(lake, Variant("dry run"), delivered=Delivered(date(2026, 3, 30))) as (copy,):
        assert not (copy / GUESTS).exists()
        assert (copy / "landing" / "hotel" / "2026-03-30" / "guests.csv").is_file()


def test_a_step_that_fails_is_named_and_leaves_nothing(lake: Path) -> None:
    with (
        pytest.raises(Trouble, match="failed in build, as it is: build cannot read rules"),
        rehearsed(lake, Variant("as it is"), status=1),
    ):
        pass
    assert files(lake) == FILES


def test_an_interrupted_rehearsal_leaves_nothing(lake: Path) -> None:
    def interrupted(copy: Path) -> None:
        assert (copy / GUESTS).exists()
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), rehearsed(lake, Variant("changed", interrupted)):
        pass
    assert files(lake) == FILES


REHEARSE_UNTIL_STOPPED = """
import signal
import sys
from pathlib import Path
from dags.rehearsal import Variant
from tests.dags.test_rehearsal import rehearsed
signal.signal(signal.SIGTERM, signal.default_int_handler)
with rehearsed(Path(sys.argv[1]), Variant("as it is"), status=61000):
    pass
"""


def test_a_rehearsal_that_is_stopped_in_a_step_ends_the_step_and_leaves_nothing(
    lake: Path,
) -> None:
    command = [sys.executable, "-c", REHEARSE_UNTIL_STOPPED, str(lake)]
    run = subprocess.Popen(command, cwd=PROJECT, stderr=subprocess.DEVNULL)
    began = lake.parent / "build.began"
    deadline = time.monotonic() + 30
    while not (began.exists() and began.read_text()):
        assert time.monotonic() < deadline, "the step did not start"
        time.sleep(0.05)
    assert (lake / "work" / "rehearsal" / "1" / GUESTS).exists()
    run.terminate()
    run.wait(20)
    with pytest.raises(ProcessLookupError):
        os.kill(int(began.read_text().split()[1]), 0)
    assert files(lake) == FILES


def test_what_a_killed_rehearsal_left_is_taken_away_by_the_next_one(lake: Path) -> None:
    left = lake / "work" / "rehearsal" / "1" / "raw" / "left"
    left.parent.mkdir(parents=True)
    left.write_text("of a killed one")
    with rehearsed(lake, Variant("as it is")) as (copy,):
        assert not (copy / "raw" / "left").exists()
    assert files(lake) == FILES


def test_nothing_is_copied_from_a_lake_that_a_run_is_changing(lake: Path) -> None:
    with (
        run_lock(lake) as lock,
        pytest.raises(Trouble, match="another run uses"),
        rehearsed(lake, Variant("as it is")),
    ):
        pass
    assert lock.night == "2026-03-31"
    assert not (lake / "work" / "rehearsal").exists()


def test_a_lake_that_cannot_be_copied_is_said_in_one_line(
    lake: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(file: str, copy: str) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("dags.rehearsal._link", full)
    with pytest.raises(Trouble) as told, rehearsed(lake, Variant("as it is")):
        pass
    assert str(told.value).startswith(f"cannot copy {lake}: ")
    assert "No space left on device" in str(told.value)
    assert files(lake) == FILES


def test_one_rehearsal_at_a_time_holds_a_lake(lake: Path) -> None:
    with (
        rehearsed(lake, Variant("as it is")) as (copy,),
        pytest.raises(Trouble, match=r"another run uses .*work/rehearsal"),
        rehearsed(lake, Variant("as it is")),
    ):
        pass
    assert not copy.exists()


def test_a_night_may_run_while_a_rehearsal_works_in_its_copies(lake: Path) -> None:
    with rehearsed(lake, Variant("as it is")), run_lock(lake) as lock:
        assert lock.night == "2026-03-31"


def test_a_rehearsal_on_the_other_engine_says_which_one_to_take(
    lake: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ENGINE", "spark")
    with pytest.raises(Trouble, match="on ENGINE=duckdb only"), rehearsed(lake, Variant("any")):
        pass
    assert files(lake) == FILES


def test_the_rehearsed_night_is_the_day_after_the_last_published_one(lake: Path) -> None:
    assert next_night(lake).isoformat() == "2026-03-31"


def test_after_a_rollback_the_night_after_the_last_version_is_rehearsed_with_what_it_posted(
    lake: Path,
) -> None:
    roll_back_small_lake(lake)
    assert next_night(lake).isoformat() == "2026-04-01"
    with rehearsed(lake, Variant("any")) as [copy]:
        assert set(IN_THE_COPY) < set(files(copy))
        assert "posted/points_entries/posted_date=2026-03-31/part.parquet" in files(copy)


def test_without_a_publication_there_is_nothing_to_rehearse_and_nothing_is_made(
    tmp_path: Path,
) -> None:
    who = ["--by", "LiMei", "--why", "two sisters"]
    done = dags(tmp_path / "lake", "unmerge", "pos:1", "hotel:G1", *who, "--preview")
    assert done.returncode == 1
    assert done.stderr.startswith("error: nothing was published in ")
    assert len(done.stderr.splitlines()) == 1
    assert not (tmp_path / "lake").exists()


@pytest.mark.parametrize("account", ["pos", "pos:", ":1"])
def test_an_account_without_its_source_is_refused(tmp_path: Path, account: str) -> None:
    who = ["--by", "LiMei", "--why", "two sisters"]
    done = dags(tmp_path / "lake", "merge", account, "hotel:G1", *who)
    assert done.returncode == 2
    assert f"{account} is no account; write it as SOURCE:ACCOUNT" in done.stderr


def test_a_night_without_deliveries_loads_and_judges_nothing(tmp_path: Path) -> None:
    (tmp_path / "hotel").mkdir()
    (tmp_path / "hotel" / "_hotel__sources.yml").touch()
    steps = without_deliveries(nightly(tmp_path), tmp_path)
    after = {step.name: step.after for step in up_to_step(steps, "resolve_identities")}
    assert after == {
        "open": (),
        "load_rules": ("open",),
        "stage": ("load_rules",),
        "resolve_identities": ("stage",),
    }
    assert steps[0].line({"date": "2026-03-31"}) == (
        "ingest open --date 2026-03-31 --without-deliveries"
    )


def test_going_up_to_an_unknown_step_lists_the_steps_there_are() -> None:
    with pytest.raises(ValueError, match="no step bulid; there are open, "):
        up_to_step(nightly(), "bulid")
