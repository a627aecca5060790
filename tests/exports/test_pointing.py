"""Readers are pointed to another version by hand, and the ledger goes on from the last one."""

from datetime import date
from pathlib import Path

import duckdb
import pytest

from exports.closes.workflow import freeze
from exports.pointing import check_digests, publish_last, roll_back
from exports.reader import require_publication
from ingest.core.errors import Problem
from ingest.core.lake import Lake
from ingest.core.pointer import latest_version, shown_version, standing_move
from tests.exports.small_night import LAST_OF_JANUARY, Night, publish_small_night, settings_of

FIRST, SECOND = LAST_OF_JANUARY, Night(date(2026, 2, 1), 2, LAST_OF_JANUARY)
THIRD = Night(date(2026, 2, 2), 3, SECOND)
BY, WHY = "Li Mei", "prices of the mall are wrong"


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    """Two nights, the second one shown."""
    for night in (FIRST, SECOND):
        publish_small_night(tmp_path, night)
    return Lake(settings_of(tmp_path).lake)


def versions(lake: Lake) -> tuple[str | None, str | None]:
    return shown_version(lake.root), latest_version(lake.root)


def test_readers_go_back_to_the_version_before_and_the_ledger_does_not(lake: Lake) -> None:
    posted = lake.posted("points_entries", SECOND.business_date).read_bytes()
    move = roll_back(lake, None, BY, WHY)
    assert versions(lake) == (FIRST.version, SECOND.version)
    assert require_publication(lake).version == FIRST.version
    assert standing_move(lake.root) == move
    assert (move.action, move.by, move.why, move.on_date) == ("rollback", BY, WHY, "2026-02-01")
    assert lake.posted("points_entries", SECOND.business_date).read_bytes() == posted


def test_the_next_night_follows_the_last_version_and_ends_the_rollback(
    lake: Lake, tmp_path: Path
) -> None:
    roll_back(lake, None, BY, WHY)
    publish_small_night(tmp_path, THIRD)
    assert versions(lake) == (THIRD.version, THIRD.version)
    assert standing_move(lake.root) is None
    assert require_publication(lake).manifest["previous_version"] == SECOND.version


def test_the_last_night_can_be_replaced_while_readers_see_the_one_before(
    lake: Lake, tmp_path: Path
) -> None:
    roll_back(lake, None, BY, WHY)
    instead = Night(SECOND.business_date, 4, FIRST)
    publish_small_night(tmp_path, instead)
    assert versions(lake) == (instead.version, instead.version)


def test_the_last_version_comes_back_by_hand_and_both_moves_are_kept(lake: Lake) -> None:
    roll_back(lake, None, BY, WHY)
    publish_last(lake, "Wang Fang", "prices are right after all")
    assert versions(lake) == (SECOND.version, SECOND.version)
    kept = sorted(path.name for path in (lake.root / "decisions" / "publications").iterdir())
    assert kept == ["0001.json", "0002.json"]
    with pytest.raises(Problem, match="already, which is the last version"):
        publish_last(lake, BY, WHY)


def test_readers_go_back_twice_and_further_by_date(lake: Lake, tmp_path: Path) -> None:
    publish_small_night(tmp_path, THIRD)
    roll_back(lake, None, BY, WHY)
    assert versions(lake) == (SECOND.version, THIRD.version)
    roll_back(lake, FIRST.business_date, BY, WHY)
    assert versions(lake) == (FIRST.version, THIRD.version)
    publish_last(lake, BY, WHY)
    assert versions(lake) == (THIRD.version, THIRD.version)


def test_a_rollback_that_was_killed_before_the_pointer_moved_counts_for_nothing(
    lake: Lake, tmp_path: Path
) -> None:
    roll_back(lake, None, BY, WHY)
    pointer = lake.published / "current"
    pointer.unlink()
    pointer.symlink_to(SECOND.version)
    assert versions(lake) == (SECOND.version, SECOND.version)
    publish_small_night(tmp_path, THIRD)
    assert versions(lake) == (THIRD.version, THIRD.version)


def test_a_date_that_is_not_kept_or_not_earlier_is_refused_with_those_that_are(lake: Lake) -> None:
    for day in (date(2026, 1, 30), SECOND.business_date):
        with pytest.raises(Problem, match=f"{day} is not kept; kept are: 2026-01-31"):
            roll_back(lake, day, BY, WHY)
    roll_back(lake, None, BY, WHY)
    with pytest.raises(Problem, match="none is not kept; kept are: none"):
        roll_back(lake, None, BY, WHY)


@pytest.mark.parametrize(("by", "why"), [(" ", WHY), (BY, "")])
def test_a_move_needs_who_and_why(lake: Lake, by: str, why: str) -> None:
    with pytest.raises(Problem, match="needs who does it"):
        roll_back(lake, None, by, why)
    assert versions(lake) == (SECOND.version, SECOND.version)


def test_readers_are_never_pointed_to_a_version_that_is_not_whole(lake: Lake) -> None:
    with duckdb.connect(str(lake.published / FIRST.version / "marts.duckdb")) as marts:
        marts.execute("update _meta set digest = 'other' where mart = 'dim_members'")
    with pytest.raises(Problem, match="is not whole; restore it from a backup"):
        roll_back(lake, None, BY, WHY)
    assert versions(lake) == (SECOND.version, SECOND.version)
    assert not (lake.root / "decisions" / "publications").exists()


def test_nothing_is_closed_while_readers_see_an_earlier_version(lake: Lake, tmp_path: Path) -> None:
    roll_back(lake, None, BY, WHY)
    with pytest.raises(Problem, match="nothing can be closed until they do: python -m dags publis"):
        freeze(settings_of(tmp_path), "2026-01", BY)


def test_the_digest_of_every_mart_can_be_taken_again(lake: Lake) -> None:
    publication = require_publication(lake)
    assert check_digests(publication) == 6
    with duckdb.connect(str(publication.database)) as marts:
        marts.execute("update fct_settlement_lines set amount_fen = 101 where line_id = 'l1'")
    with pytest.raises(Problem, match=r"fct_settlement_lines in .* has another digest"):
        check_digests(publication)
