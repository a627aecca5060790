"""The commands on a lake of files: what they read, write, and say when something is wrong."""

from datetime import date, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from identity_resolution.__main__ import main
from identity_resolution.settings import load_identity_settings
from ingest.core.errors import Problem, run_command
from ingest.core.lake import PART, Lake, write_parquet
from tests.identity_resolution.worlds import (
    NIGHT,
    World,
    accounts_table,
    identifiers_table,
)

YESTERDAY = NIGHT - timedelta(days=1)


@pytest.fixture
def lake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Lake:
    """Two shop cards and a hotel guest on one phone; their names are in restricted files."""
    monkeypatch.setenv("LAKE_ROOT", str(tmp_path))
    world = World()
    for account_id in ("1", "2"):
        world.account(account_id, mobile="m")
    world.account("9", source="hotel", mobile="m")
    lake = Lake(tmp_path)
    write_parquet(accounts_table(world), lake.handover("int_accounts"))
    write_parquet(identifiers_table(world), lake.handover("int_identifiers"))
    write_names(lake, "pos", YESTERDAY, {"1": "li lei", "2": "han mei"})
    write_names(lake, "hotel", YESTERDAY, {"9": "li lei"})
    return lake


def write_names(
    lake: Lake, source: str, load_date: date, names: dict[str, str | None], table: str = "people"
) -> None:
    columns = {
        "account_id": pa.array(names, pa.string()),
        "version": pa.array([load_date.toordinal()] * len(names), pa.int64()),
        "name_token": pa.array(names.values(), pa.string()),
        "mobile_sealed": pa.array([b"?"] * len(names), pa.binary()),
    }
    write_parquet(pa.table(columns), lake.partition("restricted", source, table, load_date) / PART)


def resolve(night: date = NIGHT) -> None:
    assert main(["resolve", "--date", night.isoformat()]) == 0


def members(lake: Lake, night: date = NIGHT) -> dict[str, str]:
    rows = pq.read_table(lake.raw("identity", "member_links", night), partitioning=None).to_pylist()
    return {row["account_id"]: row["member_id"] for row in rows}


def rules(lake: Lake) -> dict[str, str]:
    rows = pq.read_table(lake.raw("identity", "member_links", NIGHT), partitioning=None).to_pylist()
    return {row["account_id"]: row["rule"] for row in rows}


def post(lake: Lake, night: date) -> None:
    changes = pq.read_table(lake.raw("identity", "link_changes", night), partitioning=None)
    write_parquet(changes, lake.posted("member_links", night))


def change_count(lake: Lake, night: date) -> int:
    return int(pq.read_metadata(lake.raw("identity", "link_changes", night)).num_rows)


def test_the_tables_have_the_columns_that_the_next_steps_read(lake: Lake) -> None:
    resolve()
    columns = {
        name: dict(zip(schema.names, map(str, schema.types), strict=True))
        for name in ("member_links", "link_changes", "refused_links", "quality")
        for schema in [pq.read_schema(lake.raw("identity", name, NIGHT))]
    }
    texts = dict.fromkeys(["source", "account_id", "member_id"], "string")
    assert columns["member_links"] == texts | {
        "rule": "string",
        "evidence_count": "int64",
        "component": "string",
    }
    assert columns["link_changes"] == texts | {"previous_member_id": "string", "reason": "string"}
    assert columns["refused_links"] == {
        "rule": "string",
        "identifier_type": "string",
        "account_count": "int64",
        "reason": "string",
        "identifier_token": "string",
        "component": "string",
    }
    assert columns["quality"]["members_over_names_count"] == "int64"


def test_names_come_from_every_business_and_the_latest_delivery_counts(lake: Lake) -> None:
    resolve()
    found = members(lake)
    assert found["1"] == found["9"] != found["2"]
    write_names(lake, "pos", NIGHT, {"1": None, "2": "li lei"})
    write_names(lake, "pos", NIGHT + timedelta(days=1), {"2": "han mei"})
    resolve()
    found = members(lake)
    assert found["1"] == found["9"] == found["2"]
    assert rules(lake)["1"] == "same_mobile_unnamed"


def test_a_restricted_table_without_names_and_the_folder_of_keys_are_passed_over(
    lake: Lake,
) -> None:
    table = pa.table({"session_no": ["1"], "plate_sealed": [b"?"]})
    write_parquet(table, lake.partition("restricted", "parking", "sessions", NIGHT) / PART)
    write_parquet(table, lake.partition("restricted/keys", "parking", "sessions", NIGHT) / PART)
    resolve()
    assert len(members(lake)) == 3


def test_a_table_of_the_same_accounts_without_names_takes_no_name_away(lake: Lake) -> None:
    write_names(lake, "pos", NIGHT, {"1": None, "2": None}, table="orders")
    resolve()
    found = members(lake)
    assert found["1"] == found["9"] != found["2"]


def test_a_rerun_writes_the_same_bytes(lake: Lake) -> None:
    paths = [
        lake.raw("identity", name, NIGHT)
        for name in ("member_links", "link_changes", "refused_links")
    ]
    resolve()
    first = [path.read_bytes() for path in paths]
    resolve()
    assert [path.read_bytes() for path in paths] == first


def test_what_was_posted_before_tonight_counts_and_later_postings_do_not(lake: Lake) -> None:
    resolve(YESTERDAY)
    assert change_count(lake, YESTERDAY) == 3
    post(lake, YESTERDAY)
    resolve()
    assert change_count(lake, NIGHT) == 0
    assert members(lake) == members(lake, YESTERDAY)
    resolve(YESTERDAY)
    assert change_count(lake, YESTERDAY) == 3


def test_the_link_posted_last_is_the_one_that_counts(lake: Lake) -> None:
    for days, member in ((3, "M-old"), (2, "M-new")):
        columns = {"source": ["pos"], "account_id": ["2"], "member_id": [member]}
        write_parquet(pa.table(columns), lake.posted("member_links", NIGHT - timedelta(days=days)))
    resolve()
    assert members(lake)["2"] == "M-new"


def test_evaluate_prints_the_figures_against_the_truth(
    lake: Lake, capsys: pytest.CaptureFixture[str]
) -> None:
    resolve()
    truth = {
        "source": ["pos", "pos", "hotel"],
        "account_id": ["1", "2", "9"],
        "person_id": ["P", "Q", "P"],
    }
    write_parquet(pa.table(truth), lake.identity_labels)
    assert main(["evaluate", "--date", NIGHT.isoformat()]) == 0
    printed = capsys.readouterr().out
    assert printed.count("1.0000") == 6
    assert main(["evaluate", "--date", NIGHT.isoformat(), "--keep"]) == 0
    figures = pq.read_table(lake.raw("identity", "evaluation", NIGHT), partitioning=None)
    assert {"figure": "pairs: precision", "value": "1.0000"} in figures.to_pylist()


def test_a_missing_handover_is_one_line_that_says_which_step_to_run(
    lake: Lake, capsys: pytest.CaptureFixture[str]
) -> None:
    lake.handover("int_identifiers").unlink()
    assert run_command(main, ["resolve", "--date", "2026-03-31"]) == 1
    message = capsys.readouterr().err.strip().splitlines()[-1]
    assert message.startswith("error: ")
    assert message.endswith("int_identifiers.parquet is missing; run the stage step first")
    assert not lake.raw("identity", "member_links", NIGHT).exists()


@pytest.mark.parametrize("command", ["resolve", "evaluate"])
def test_a_wrong_date_is_refused(lake: Lake, command: str) -> None:
    with pytest.raises(Problem, match="--date '2026-02-30' is not a date; write it as YYYY-MM-DD"):
        main([command, "--date", "2026-02-30"])


def test_evaluate_without_a_truth_says_which_file_is_missing(lake: Lake) -> None:
    with pytest.raises(
        Problem, match=r"member_links.*is missing; run resolve for 2026-03-31 first"
    ):
        main(["evaluate", "--date", NIGHT.isoformat()])
    resolve()
    with pytest.raises(Problem, match=r"identity_labels\.parquet is missing"):
        main(["evaluate", "--date", NIGHT.isoformat()])


def test_a_truth_without_persons_is_refused(lake: Lake) -> None:
    resolve()
    path = lake.root / "wrong.parquet"
    write_parquet(pa.table({"source": ["pos"], "account_id": ["1"]}), path)
    with pytest.raises(Problem, match="must hold source, account_id, person_id"):
        main(["evaluate", "--date", NIGHT.isoformat(), "--truth", str(path)])


@pytest.mark.parametrize(
    ("world", "message"),
    [
        ({"identifier_type": "shoe_size"}, "identifier_type shoe_size has no rule"),
        ({"account_id": "77"}, "int_accounts.parquet lacks account 77 of pos"),
    ],
    ids=["type", "account"],
)
def test_an_identifier_that_nothing_speaks_of_is_refused(
    lake: Lake, world: dict[str, str], message: str
) -> None:
    path = lake.handover("int_identifiers")
    rows = pq.read_table(path).to_pylist()
    write_parquet(pa.Table.from_pylist([rows[0] | world, *rows[1:]], pq.read_schema(path)), path)
    with pytest.raises(Problem, match=message):
        resolve()


def test_an_account_that_stands_there_twice_is_refused(lake: Lake) -> None:
    path = lake.handover("int_accounts")
    write_parquet(pa.concat_tables([pq.read_table(path)] * 2), path)
    with pytest.raises(Problem, match="twice; run stage again"):
        resolve()


REST = """
grown_up_from_years: 16
comparison: {blocks: [], default_birth_accounts: 9, least_weight_bits: 5}
households: []
quality:
  most_names: 3
  most_members_over_names_per_million: 1
  largest_member_growth: 2
  largest_member_growth_from: 10
"""
TWICE = (
    REST
    + """
member_limits: []
evidence:
  - &rule {identifier_type: a, names: agree, account_limit: 1}
  - *rule
"""
)
LIMIT_OF_NOTHING = REST + "evidence: []\nmember_limits: [{identifier_type: shoe, limit: 1}]"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("evidence: [{identifier_type: a, names: ignored}]", "evidence.0.account_limit"),
        ("evidence: [{identifier_type: a, names: ignored, account_limit: 0}]", "account_limit"),
        ("evidence: [{identifier_type: a, names: x, account_limit: 1}]", "evidence.0.names"),
        (
            "{evidence: [{identifier_type: a, names: agree, account_limit: 1, unamed: join}]}",
            "evidence.0.unamed",
        ),
        (
            TWICE,
            "twice; keep one",
        ),
        (LIMIT_OF_NOTHING, "shoe is no identifier_type of evidence"),
        ("[", "cannot read"),
    ],
)
def test_a_broken_settings_file_is_refused_with_the_place(
    tmp_path: Path, text: str, message: str
) -> None:
    path = tmp_path / "settings.yml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(Problem, match=message):
        load_identity_settings(path)
