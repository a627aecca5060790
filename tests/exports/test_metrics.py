"""A night's metrics, read as a monitoring system reads them, and what is kept of dbt."""

import gzip
import json
from datetime import date
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from exports.artifacts import keep_artifacts
from exports.metrics import write_metrics
from exports.published import open_current
from ingest.core.lake import Lake
from tests.exports.small_night import LAST_OF_JANUARY, Night, publish_small_night
from tests.exports.small_publication import publish_small

Series = dict[tuple[str, ...], float]


def metrics(path: Path) -> dict[str, Series]:
    """By metric, the value of each series by the values of its labels."""
    families = text_string_to_metric_families(path.read_text(encoding="utf-8"))
    return {
        family.name: {tuple(each.labels.values()): each.value for each in family.samples}
        for family in families
        if family.documentation and family.type == "gauge"
    }


def written(lake: Path, *changes: str) -> Path:
    settings = publish_small(lake, *changes)
    with open_current(settings) as (publication, connection):
        return write_metrics(Lake(lake), publication, connection)


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Series]:
    return metrics(written(tmp_path_factory.mktemp("metrics") / "lake"))


def test_rows_are_counted_by_source_and_what_became_of_them(found: dict[str, Series]) -> None:
    rows = found["onemember_rows_delivered"]
    assert rows["pos", "loaded"] == 96
    assert rows["pos", "quarantined"] == 2
    assert rows["pos", "duplicate"] == rows["pos", "superseded"] == 1
    assert sum(rows.values()) == 105
    assert found["onemember_files_delivered"] == {("gate", "accepted"): 1, ("pos", "accepted"): 1}


def test_dates_are_seconds_at_which_the_day_begins(found: dict[str, Series]) -> None:
    night = date(2026, 1, 15).toordinal() - date(1970, 1, 1).toordinal()
    published = found["onemember_published_business_date_timestamp_seconds"]
    assert published == {(): night * 86_400}
    fresh = found["onemember_source_business_date_timestamp_seconds"]
    assert fresh["pms",] == (night - 1) * 86_400


def test_invariants_identities_and_expectations_are_told(found: dict[str, Series]) -> None:
    assert found["onemember_invariant_violations"] == {("I1",): 0, ("I3",): 0}
    assert found["onemember_identity_account"] == {(): 1204}
    assert found["onemember_identity_member"] == {(): 802}
    assert found["onemember_expectations_missed"] == {("warning",): 1}
    assert found["onemember_source_provisional"] == {("gate",): 0, ("pms",): 1, ("pos",): 0}


def test_the_same_night_gives_the_same_bytes_and_odd_names_are_escaped(tmp_path: Path) -> None:
    odd = """insert into fct_source_freshness (source, gap_count) values ('a"b\\c', 3)"""
    one, other = (written(tmp_path / name, odd) for name in ("one", "other"))
    assert one.read_bytes() == other.read_bytes()
    assert metrics(one)["onemember_source_gaps"]['a"b\\c',] == 3
    provisional = metrics(one)["onemember_source_provisional"]
    assert ('a"b\\c',) not in provisional, "whether it is provisional is not known"


def test_a_publication_names_every_night_that_led_to_it(tmp_path: Path) -> None:
    publish_small_night(tmp_path)
    next_night = Night(date(2026, 2, 1), 2, LAST_OF_JANUARY)
    with publish_small_night(tmp_path, next_night).publication.connect() as marts:
        rows = marts.execute("select version, run_key, code_version from _nights").fetchall()
    assert rows == [
        (next_night.version, next_night.run_key, "code"),
        (LAST_OF_JANUARY.version, LAST_OF_JANUARY.run_key, "code"),
    ]


def test_what_dbt_said_is_kept_of_the_last_thirty_nights(tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    (lake.work / "dbt").mkdir(parents=True)
    for day in range(1, 32):
        (lake.work / "dbt" / "run_results.json").write_text(json.dumps({"night": day}))
        keep_artifacts(lake, date(2026, 3, day))
    kept = sorted(path.name for path in (tmp_path / "metrics" / "dbt").iterdir())
    assert (len(kept), kept[0], kept[-1]) == (30, "2026-03-02", "2026-03-31")
    last = tmp_path / "metrics" / "dbt" / "2026-03-31" / "run_results.json.gz"
    assert json.loads(gzip.decompress(last.read_bytes())) == {"night": 31}
