"""The worked example under other rules of tiers, from the start: a composite, remainders, a lock.

Growth, visits and nights count in the calendar year; gold asks for 1,000 growth and 2 visits; an
upgrade deducts what it asked for. By hand, for Wang Fang:
30 Oct  R2: 4,200 growth, 1 visit. Silver asks for 5,000. (R1 was bought in 2025.)
31 Oct  F1: 1,000 growth and the second visit; R4 takes 200 back: 5,000 and 2. Gold from 1 Nov;
        4,000 growth and no visit are carried on. Silver, posted on 30 October, never was.
1 Nov   R5 takes 1,000 back: the upgrade still rests on 4,000 and 2 visits. 3,000 growth count on.
Her period ends on 31 Oct 2027 and is judged 30 days later, when nothing of 2026 counts any more.
Li Qiang never reached anything; somebody promised him gold from 3 November to the end of the year.
"""

import shutil
from pathlib import Path

import pytest

from ingest.core.contract import load_source, source_names
from ingest.core.lake import Lake
from ingest.core.settings import load_settings
from ingest.landing import write_delivery
from tests.pipeline.nights import must_run
from tests.pipeline.test_corrections import NIGHTS
from tests.pipeline.test_worked_example import rows

SOURCE = "source: Charter 2027, approved_by: Committee"
VISITS = f"""  - metric: visits
    metric_name: 到访天数
    feeds:
      - unit: visit_day
        activity_types: [purchase, stay]
        value: [{{from: 2024-01-01, value: 1, {SOURCE}}}]

# calendar_year |"""
GOLD = f"""    reach:
      - from: 2024-01-01
        value:
          all_of: [{{metric: growth, at_least: 1000}}]
          at_least_n_of:
            n: 1
            of: [{{metric: visits, at_least: 2}}, {{metric: nights, at_least: 9}}]
        {SOURCE.replace(", ", chr(10) + "        ")}
"""


@pytest.fixture(scope="module")
def lake(worked_lake: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The worked example's lake after one night more, under rules that it never had."""
    folder = tmp_path_factory.mktemp("other_rules")
    shutil.copy(worked_lake.parent / "keys.json", folder / "keys.json")
    lake = folder / "lake"
    shutil.copytree(worked_lake, lake, symlinks=True)
    settings = load_settings({})
    rules = shutil.copytree(settings.rules, folder / "rules")
    book = rules / "programme" / "tiers.yml"
    text = book.read_text(encoding="utf-8")
    (gold,) = [line for line in text.splitlines(keepends=True) if "value: 20000, source" in line]
    for old, new in (
        ("# calendar_year |", VISITS),
        ("{kind: rolling_months, months: 12}", "{kind: calendar_year}"),
        ("value: none", "value: remainder"),
        (gold, GOLD),
    ):
        assert old in text
        text = text.replace(old, new, 1)
    book.write_text(text, encoding="utf-8")
    promise = ("--tier", "gold", "--until", "2026-12-31", "--by", "Committee", "--reason", "why")
    must_run(lake, "ingest", "tier-locks", "lock", "property:KH1", *promise)
    for name in source_names(settings.dbt_project):
        write_delivery(Lake(lake), load_source(settings.dbt_project, name), NIGHTS[0], {})
    must_run(lake, "dags", "run", "--date", NIGHTS[0].isoformat(), RULES_DIR=str(rules))
    return lake


def test_tiers_are_decided_again_from_the_start_and_only_the_difference_is_posted(
    lake: Path,
) -> None:
    posted = rows(
        lake,
        """
        select effective_date::varchar, from_tier, to_tier, changes.reason,
            period_end_date::varchar, window_start_date::varchar, rule_id, way_number, is_reversal
        from fct_tier_changes as changes
        where posted_date = '2026-11-02' order by is_reversal desc, effective_date
        """,
    )
    gold = "reach/gold/2024-01-01"
    silver = "reach/silver/2024-01-01"
    taken_back = ("2026-10-31", "basic", "silver", "upgrade", "2027-10-30")
    assert [row[:5] for row in posted[:1]] == [taken_back]
    assert posted[0][5:] == ("2025-10-31", silver, 1, True)
    assert posted[1][:4] == ("2026-11-02", "silver", "basic", "reversal")
    assert posted[2:] == [
        ("2026-11-01", "basic", "gold", "upgrade", "2027-10-31", "2026-01-01", gold, 1, False),
        ("2026-11-03", "basic", "gold", "lock", "2026-12-31", "2026-01-01", None, None, False),
    ]


def test_the_evidence_holds_every_metric_and_what_is_carried_on(lake: Path) -> None:
    evidence = rows(
        lake,
        """
        select metric, metric_value, carried_value, counted_to_date::varchar
        from fct_tier_evidence
        where posted_date = '2026-11-02' and not is_reversal and effective_date = '2026-11-01'
        order by metric
        """,
    )
    assert evidence == [
        ("growth", 5000, 4000, "2026-10-31"),
        ("interaction", 0, 0, "2026-10-31"),
        ("nights", 0, 0, "2026-10-31"),
        ("visits", 2, 0, "2026-10-31"),
    ]


def test_what_is_missing_is_told_for_the_day_on_which_it_is_judged(lake: Path) -> None:
    progress = rows(
        lake,
        """
        select purpose, progress.tier, metric, metric_value, at_least, missing_value,
            judged_on_date::varchar, window_start_date::varchar
        from fct_tier_progress as progress
        inner join dim_member_accounts using (member_id)
        where account_id = 'G1' order by purpose desc, metric
        """,
    )
    tonight, next_year = ("2026-11-02", "2026-01-01"), ("2027-11-30", "2027-01-01")
    assert progress == [
        ("reach", "diamond", "growth", 3000, 100_000, 97_000, *tonight),
        ("keep", "gold", "growth", 0, 1000, 1000, *next_year),
        ("keep", "gold", "nights", 0, 9, 9, *next_year),
        ("keep", "gold", "visits", 0, 2, 2, *next_year),
    ]
    held = rows(
        lake,
        """
        select account_id, tier, growth_value, growth_missing, valid_until_date::varchar
        from dim_member_tiers inner join dim_member_accounts using (member_id)
        where account_id in ('G1', 'KH1') order by 1
        """,
    )
    assert held[0] == ("G1", "gold", 3000, 97_000, "2027-11-01")
    # The fold's own word for Li Qiang is the lock; it holds from the morning after this night.
    assert held[1][:2] == ("KH1", "gold")
    assert held[1][4] == "2027-01-01"


def test_no_invariant_is_broken(lake: Path) -> None:
    assert rows(lake, "select sum(violation_count)::bigint from fct_invariants") == [(0,)]
