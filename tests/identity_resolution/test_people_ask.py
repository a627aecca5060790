"""What people ask of a resolved night: why, why not, what waits for them, and what they decide."""

import json
from datetime import date, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from identity_resolution.__main__ import main
from ingest.core.errors import Problem
from ingest.core.lake import PART, Lake, write_parquet
from ingest.core.privacy import create_demo_keys, read_keys, seal
from tests.identity_resolution.worlds import (
    NIGHT,
    World,
    accounts_table,
    identifiers_table,
    people_table,
)

NEXT_NIGHT = NIGHT + timedelta(days=1)
AB = ["pos:a", "hotel:b"]


def small_world() -> World:
    """Li Lei's card, stay and car; his mother on his phone; two people with one document too many;
    a sold car; namesakes; a front desk's phone.
    """
    world = World()
    world.account("a", "li lei", mobile="m1", unionid="u")
    world.account("b", "li lei", source="hotel", mobile="m1", id_document="d1")
    world.account("car", source="parking", plate="p1", unionid="u")
    world.account("mother", "han mei", mobile="m1")
    world.account("c", "li lei", source="property", mobile="m1", id_document="d2")
    world.hold(("pos", "mother"), "plate", "sold", NIGHT)
    world.account("buyer", "han mei", source="property", plate="sold")
    for number in range(9):
        world.account(f"guest{number}", "li lei", source="hotel", mobile="desk")
    for account in ("wei 1", "wei 2"):
        key = world.account(account, "wei zhang")
        world.record(key, name="张伟", birth="19900203", mobile="13900000001")
    world.record(("pos", "wei 2"), name="张伟", birth="19900203", gender="female")
    world.records["pos", "wei 1"]["gender"] = "male"
    return world


@pytest.fixture
def lake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Lake:
    """The small world as a lake on its first night, resolved and published."""
    keys_file = tmp_path / "keys.json"
    create_demo_keys(keys_file)
    monkeypatch.setenv("LAKE_ROOT", str(tmp_path / "lake"))
    monkeypatch.setenv("KEYS_FILE", str(keys_file))
    lake = Lake(tmp_path / "lake")
    put(lake, small_world(), keys_file)
    assert main(["resolve", "--date", NIGHT.isoformat()]) == 0
    publish(lake, NIGHT)
    return lake


def publish(lake: Lake, night: date) -> None:
    """Leave of a publication what a decision asks for."""
    manifest = lake.published / "current" / "manifest.json"
    manifest.parent.mkdir(parents=True, exist_ok=True)
    manifest.write_text(json.dumps({"business_date": night.isoformat()}), encoding="utf-8")


def put(lake: Lake, world: World, keys_file: Path) -> None:
    """Hand a world over as stage does, with its sealed records."""
    accounts = accounts_table(world)
    for name, value in {"name_masked": "李*", "mobile_masked": None}.items():
        accounts = accounts.append_column(name, pa.array([value] * len(accounts)))
    write_parquet(accounts, lake.handover("int_accounts"))
    write_parquet(identifiers_table(world), lake.handover("int_identifiers"))
    night = {"business_date": [NIGHT], "previous_date": pa.array([None], pa.date32())}
    write_parquet(pa.table(night | {"is_everything_touched": [True]}), lake.tonight)
    people, keys = people_table(world), read_keys(keys_file)
    for source in sorted(set(people["source"].to_pylist())):
        rows = [row for row in people.to_pylist() if row["source"] == source]
        texts = [
            json.dumps({"compared": world.records.get((source, row["account_id"]))}) for row in rows
        ]
        accounts = [row["account_id"] for row in rows]
        sealed = seal(keys, texts, [f"{source}|people|{account}" for account in accounts])
        own = pa.Table.from_pylist(rows).drop_columns(
            ["source", "table_name", "key_ref", "load_date"]
        )
        own = own.append_column("sealed", [sealed.sealed]).append_column(
            "key_ref", [sealed.key_refs]
        )
        night_folder = lake.partition("restricted", source, "people", NIGHT)
        write_parquet(own, night_folder / PART)
        wrapped = {"key_ref": sealed.key_refs, "wrapped_key": sealed.wrapped_keys}
        keys_folder = lake.partition("restricted/keys", source, "people", NIGHT)
        write_parquet(pa.table(wrapped), keys_folder / PART)


def said(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """What a command prints."""
    capsys.readouterr()
    assert main(list(arguments)) == 0
    return capsys.readouterr().out


def test_a_pair_of_one_member_is_explained_by_a_path_of_evidence(
    lake: Lake, capsys: pytest.CaptureFixture[str]
) -> None:
    told = said(capsys, "explain", "link", "parking:car", "hotel:b")
    assert "同一会员 one member on 2026-03-31" in told
    assert "1. parking:car – pos:a: same_unionid (unionid u)" in told
    assert "2. pos:a – hotel:b: same_mobile_and_name (mobile m1)" in told


@pytest.mark.parametrize(
    ("other", "reason"),
    [
        ("pos:mother", "mobile m1: names_disagree: a family shares such a value"),
        ("property:c", "member_limit: hotel:b – property:c by same_mobile_and_name"),
        ("hotel:guest1", "they share no value and no blocking key"),
    ],
)
def test_a_pair_of_two_members_is_told_what_stood_in_the_way(
    lake: Lake, capsys: pytest.CaptureFixture[str], other: str, reason: str
) -> None:
    told = said(capsys, "explain", "link", "hotel:b", other)
    assert "两位会员 two members" in told
    assert reason in told


def test_a_value_that_ended_or_is_blocked_is_named_as_the_reason(
    lake: Lake, capsys: pytest.CaptureFixture[str]
) -> None:
    sold = said(capsys, "explain", "link", "pos:mother", "property:buyer")
    assert "plate sold: ended: it is no longer valid since 2026-03-31" in sold
    desk = said(capsys, "explain", "link", "hotel:guest1", "hotel:guest2")
    assert "mobile desk: blocked: 9 accounts hold it, more than 8" in desk


def test_a_comparison_that_is_not_enough_shows_what_each_field_weighs(
    lake: Lake, capsys: pytest.CaptureFixture[str]
) -> None:
    told = said(capsys, "explain", "link", "pos:wei 1", "pos:wei 2")
    assert "name_birth wei zhang|19900203: compared, and their weight stays below 3.5 bits" in told
    assert "姓名 name: +14.9 bits" in told
    assert "性别 gender: -6.7 bits" in told
    assert "张伟" not in told
    assert "13900000001" not in told


def test_an_unknown_account_is_one_line(lake: Lake) -> None:
    with pytest.raises(Problem, match="knows no account pos:nobody; write it as source:account_id"):
        main(["explain", "link", "pos:a", "pos:nobody"])
    with pytest.raises(Problem, match="'nobody' is no account; write it as source:account_id"):
        main(["explain", "link", "pos:a", "nobody"])


def test_review_lists_what_was_held_with_both_sides_and_how_to_decide(
    lake: Lake, capsys: pytest.CaptureFixture[str]
) -> None:
    told = said(capsys, "review")
    assert "1 条待审 links held for review" in told
    assert "1. member_limit  hotel:b – property:c  same_mobile_and_name (mobile m1)" in told
    assert "parking:car" in told
    assert "decide must-link|cannot-link hotel:b property:c" in told


def test_a_program_gets_held_links_with_both_sides_and_a_decision_as_it_is_kept(
    lake: Lake, capsys: pytest.CaptureFixture[str]
) -> None:
    told = json.loads(said(capsys, "review", "--json"))
    assert (told["night"], told["link_count"]) == (NIGHT.isoformat(), 1)
    (link,) = told["links"]
    assert (link["reason"], link["rule"]) == ("member_limit", "same_mobile_and_name")
    sides = [[each["account_id"] for each in link[f"{end}_accounts"]] for end in ("low", "high")]
    assert ("b" in sides[0], "c" in sides[1]) == (True, True)
    assert json.loads(said(capsys, "review", "--json", "--limit", "0"))["links"] == []
    by = ["--by", "Wang", "--why", "new passport"]
    first = json.loads(said(capsys, "decide", "must-link", "property:c", "hotel:b", *by, "--json"))
    assert (first["decision"], first["effective_from"]) == ("must_link", NEXT_NIGHT.isoformat())
    assert (len({*first["members"]}), first["replaced"]) == (2, None)
    again = said(capsys, "decide", "cannot-link", "property:c", "hotel:b", *by, "--json")
    assert json.loads(again)["replaced"]["decision"] == "must_link"


def test_a_decision_counts_from_the_next_night_on(
    lake: Lake, capsys: pytest.CaptureFixture[str]
) -> None:
    by = ["--by", "Wang", "--why", "new passport"]
    told = said(capsys, "decide", "must-link", "property:c", "hotel:b", *by)
    assert "must_link hotel:b – property:c from 2026-04-01 on" in told
    assert "today they are two members" in told
    assert main(["resolve", "--date", NIGHT.isoformat()]) == 0
    assert len(members(lake, NIGHT, "hotel:b", "property:c")) == 2
    assert main(["resolve", "--date", NEXT_NIGHT.isoformat()]) == 0
    assert len(members(lake, NEXT_NIGHT, "hotel:b", "property:c")) == 1
    path = said(capsys, "explain", "link", "property:c", "hotel:b")
    assert "must_link" in path


def test_a_night_that_was_not_published_can_still_be_decided_on(
    lake: Lake, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["resolve", "--date", NEXT_NIGHT.isoformat()]) == 0
    told = said(capsys, "decide", "cannot-link", *AB, "--by", "Wang", "--why", "asked her")
    assert "from 2026-04-01 on" in told
    assert main(["resolve", "--date", NEXT_NIGHT.isoformat()]) == 0
    assert len(members(lake, NEXT_NIGHT, *AB)) == 2


def test_a_first_night_that_was_not_published_can_be_decided_on(
    lake: Lake, capsys: pytest.CaptureFixture[str]
) -> None:
    (lake.published / "current" / "manifest.json").unlink()
    told = said(capsys, "decide", "cannot-link", *AB, "--by", "Wang", "--why", "asked her")
    assert "from 2026-03-31 on" in told


def test_the_last_decision_on_a_pair_counts_and_a_withdrawn_one_leaves_it_to_the_evidence(
    lake: Lake, capsys: pytest.CaptureFixture[str]
) -> None:
    by = ["--by", "Wang", "--why", "asked her"]
    said(capsys, "decide", "cannot-link", *AB, *by)
    assert main(["resolve", "--date", NEXT_NIGHT.isoformat()]) == 0
    assert len(members(lake, NEXT_NIGHT, *AB)) == 2
    publish(lake, NEXT_NIGHT)
    why_not = said(capsys, "explain", "link", *AB)
    assert "cannot_link: Wang decided for 2026-04-01 that hotel:b and pos:a are two" in why_not
    told = said(capsys, "decide", "withdraw", *AB, *by)
    assert "it replaces cannot_link of 2026-04-01 by Wang" in told
    third = NEXT_NIGHT + timedelta(days=1)
    assert main(["resolve", "--date", third.isoformat()]) == 0
    assert len(members(lake, third, *AB)) == 1


def members(lake: Lake, night: date, *accounts: str) -> set[str]:
    rows = pq.read_table(lake.raw("identity", "member_links", night), partitioning=None).to_pylist()
    return {row["member_id"] for row in rows if f"{row['source']}:{row['account_id']}" in accounts}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["pos:a", "pos:a", "--by", "W", "--why", "y"], "pos:a is one account"),
        (["pos:a", "pos:mother", "--by", " ", "--why", "y"], "needs who decided"),
        (["pos:a", "pos:nobody", "--by", "W", "--why", "y"], "knows no account pos:nobody"),
        (
            ["pos:a", "pos:mother", "--by", "W", "--why", "y", "--from", "2026-03-31"],
            "night 2026-03-31 is published already; a decision counts from 2026-04-01 on",
        ),
    ],
)
def test_a_decision_that_cannot_count_is_refused(
    lake: Lake, arguments: list[str], message: str
) -> None:
    with pytest.raises(Problem, match=message):
        main(["decide", "must-link", *arguments])
    assert not lake.identity_decisions.exists()


def test_a_damaged_decision_stops_the_night_with_its_name(lake: Lake) -> None:
    lake.identity_decisions.mkdir(parents=True)
    (lake.identity_decisions / "2026-03-31_x.json").write_text("{", encoding="utf-8")
    with pytest.raises(Problem, match=r"2026-03-31_x\.json is no decision; restore it"):
        main(["resolve", "--date", NIGHT.isoformat()])


def test_a_night_is_measured_beside_plain_splink_and_shared_identifiers(
    lake: Lake, capsys: pytest.CaptureFixture[str]
) -> None:
    world = small_world()
    wei = {("pos", "a"), ("hotel", "b"), ("parking", "car")}
    truth = {
        "source": [key[0] for key in world.first_seen],
        "account_id": [key[1] for key in world.first_seen],
        "person_id": ["Li Lei" if key in wei else str(key) for key in world.first_seen],
    }
    write_parquet(pa.table(truth), lake.identity_labels)
    told = said(capsys, "evaluate", "--compare")
    # Of three accounts two pairs share a value, so all three pairs can be reached, and are.
    assert "pairs: recall that any evidence could reach   |       1.0000" in told
    assert "| OneMember | 1.0000 | 1.0000 |" in told
    # The phone joins the mother and the second document as well: 10 pairs, 3 of them right.
    assert "| any shared identifier | 0.3000 | 1.0000 |" in told
