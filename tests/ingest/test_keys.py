"""Keys that are changed: what was told apart stays so, what was sealed opens, nothing is shown."""

import base64
import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from traceback import format_exception
from typing import Any

import polars as pl
import pyarrow as pa
import pytest

from ingest.core.contract import Source, load_source
from ingest.core.errors import Problem
from ingest.core.lake import Lake
from ingest.core.privacy import (
    Keys,
    create_demo_keys,
    read_keys,
    replace_keys,
    token,
    unseal,
)
from ingest.core.settings import Settings, load_settings
from ingest.demo import main as demo
from ingest.generations import begin_keys, keys_of_night
from ingest.key_commands import main
from ingest.load import load
from ingest.quarantine import quarantined_rows
from ingest.quarantine_commands import main as quarantine
from tests.ingest.small_house import DAY, GATE_SCHEMA, NEXT_DAY, House, build_house

THIRD_DAY = NEXT_DAY + timedelta(days=1)
NIGHTS = (DAY, NEXT_DAY, THIRD_DAY)
TOKENS = ("_token", "_row_hash")
WEI = ["C1", "张伟", "138-0000-0001", "1990-02-03", "上海市示例路1号", "是"]
LI = ["C2", "李娜", "138-0000-0002", "1991-03-04", "上海市示例路2号", "是"]
SHOP = "shop"


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> House:
    house = build_house(tmp_path)
    monkeypatch.setattr("ingest.key_commands.load_settings", lambda: house.settings)
    monkeypatch.setattr("ingest.quarantine_commands.load_settings", lambda: house.settings)
    return house


def keys_of(house: House) -> Keys:
    return read_keys(house.settings.keys_file)


def load_night(house: House, night: date, *sources: str) -> None:
    """What opening a night does about keys, and its loads."""
    begin_keys(house.lake, keys_of(house), night)
    for source in sources or (SHOP, "inn", "gate"):
        load(house.settings, source, night)


def paid(payment: str, plate: str, mobile: str | None, day: date) -> dict[str, Any]:
    at = pl.Series([day]).cast(pl.Datetime)[0] + timedelta(hours=12)
    paid_row = {"payment": payment, "plate": plate, "mobile": mobile, "paid_at": at}
    return {**paid_row, "paid_fen": 100, "is_free": None}


def guest(name: str, mobile: str, number: str) -> str:
    said = {"guest": number, "guest_name": name, "mobile": mobile, "is_consented": True}
    return json.dumps(said, ensure_ascii=False)


def deliver(house: House) -> None:
    """Three nights: people who return, who are new, who correct themselves, and who are known to
    another business; rows that are delivered again; a row that is refused.
    """
    cards = {
        DAY: [WEI, [*LI[:5], "也许"]],
        NEXT_DAY: [WEI, ["C1", "张伟", "13800000003", *WEI[3:]], ["C3", "王芳", *WEI[2:]]],
        THIRD_DAY: [WEI, LI, ["C4", "王芳", "13800000004", "", "上海市示例路4号", "是"]],
    }
    guests = {
        DAY: [guest("李娜", "13800000009", "G1")],
        NEXT_DAY: [guest("張偉", "138 0000 0001", "G2"), guest("李娜", "13800000009", "G1")],
        THIRD_DAY: [guest("王芳", "+86 13800000004", "G3"), guest("李娜", "13800000003", "G1")],
    }
    plates = {DAY: ["沪A12345", "沪B12345"], NEXT_DAY: ["沪A12345"], THIRD_DAY: ["沪C12345"] * 2}
    for day in NIGHTS:
        house.deliver_shop([], cards[day], day=day)
        house.deliver_inn(guests[day], [], day=day)
        paid_rows = [
            paid(f"{day}-{number}", plate, "13800000004", day)
            for number, plate in enumerate([*plates[day], "沪D12345"])
        ]
        total = sum(row["paid_fen"] for row in paid_rows)
        table = pa.Table.from_pylist(paid_rows, GATE_SCHEMA)
        house.deliver_gate(table, total_fen=total, day=day)


def another(house: House, folder: Path) -> House:
    """A second lake that begins with the same keys and gets the same deliveries."""
    other = House(
        Settings(
            lake=folder / "lake",
            keys_file=folder / "keys.json",
            rules=house.settings.rules,
            dbt_project=house.settings.dbt_project,
            memory_limit="1GB",
        )
    )
    shutil.copytree(house.lake.root / "landing", other.lake.root / "landing")
    shutil.copy(house.settings.keys_file, other.settings.keys_file)
    return other


def columns(lake: Lake) -> Iterator[tuple[str, list[Any]]]:
    """Every column of raw/ and restricted/, row by row; not what is sealed at random."""
    for zone in ("raw", "restricted"):
        for path in sorted((lake.root / zone).rglob("*.parquet")):
            place = path.relative_to(lake.root).as_posix()
            if not place.startswith(("restricted/keys", "raw/expected", "raw/deliveries")):
                frame = pl.read_parquet(path, hive_partitioning=False)
                for name in sorted(set(frame.columns) - {"sealed", "key_ref"}):
                    yield f"{place} {name}", frame[name].to_list()


def key_ids(lake: Lake) -> set[str]:
    """Ids of the keys that made the tokens of a lake."""
    tokens = [v for name, values in columns(lake) if name.endswith("_token") for v in values if v]
    return {value.partition(":")[0] for value in tokens}


def assert_only_tokens_differ(one: Lake, other: Lake) -> None:
    """Two lakes say the same, token for token: each token of one is always the same of the other,
    and no two of one are the same of the other.
    """
    there, back = {}, {}
    for (name, values), (other_name, others) in zip(columns(one), columns(other), strict=True):
        assert name == other_name
        if not name.endswith(TOKENS):
            assert values == others, name
            continue
        of = name if name.endswith("_row_hash") else ""  # only rows of one table are compared
        for value, renamed in zip(values, others, strict=True):
            assert there.setdefault((of, value), renamed) == renamed, name
            assert back.setdefault((of, renamed), value) == value, name


def assert_shows_no_key(text: str, keys: Keys) -> None:
    for key in (*keys.token_keys, *keys.master_keys, *keys.sign_keys):
        shown = (key.key.hex(), base64.b64encode(key.key).decode(), repr(key.key)[2:-1])
        assert not any(each in text for each in shown)


def test_after_a_rotation_every_value_keeps_its_token_and_new_ones_get_new_tokens(
    house: House, tmp_path: Path
) -> None:
    deliver(house)
    rotated = another(house, tmp_path / "rotated")
    for night in NIGHTS:
        load_night(house, night)
    for night in NIGHTS:
        load_night(rotated, night)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("ingest.key_commands.load_settings", lambda: rotated.settings)
            assert main(["--rotate"]) == 0
    assert key_ids(house.lake) == {"t1"}
    assert key_ids(rotated.lake) == {"t1", "t2", "t3"}
    assert_only_tokens_differ(house.lake, rotated.lake)


def test_without_looking_values_up_a_rotation_makes_strangers(
    house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    deliver(house)
    rotated = another(house, tmp_path / "rotated")
    for night in (DAY, NEXT_DAY):
        load_night(house, night, "inn")
    load_night(rotated, DAY, "inn")
    monkeypatch.setattr("ingest.key_commands.load_settings", lambda: rotated.settings)
    main(["--rotate"])
    monkeypatch.setattr("ingest.tokens.token_generations", lambda _: ())
    load_night(rotated, NEXT_DAY, "inn")
    with pytest.raises(AssertionError, match="guests"):
        assert_only_tokens_differ(house.lake, rotated.lake)


def test_a_night_loaded_again_after_rotations_in_another_order_gives_the_same_bytes(
    house: House,
) -> None:
    deliver(house)
    load_night(house, DAY)
    main(["--rotate"])
    load_night(house, NEXT_DAY)
    main(["--rotate"])
    before = raw_bytes(house.lake)
    for night in (DAY, NEXT_DAY):
        load_night(house, night, "gate", "inn", SHOP)
    assert raw_bytes(house.lake) == before


def raw_bytes(lake: Lake) -> dict[str, bytes]:
    paths = sorted((lake.root / "raw").rglob("*.parquet"))
    return {path.relative_to(lake.root).as_posix(): path.read_bytes() for path in paths}


def test_keys_changed_in_the_middle_of_a_night_count_from_the_next_one_on(house: House) -> None:
    deliver(house)
    load_night(house, DAY, SHOP)
    main(["--rotate"])
    load(house.settings, "inn", DAY)  # the night goes on
    load_night(house, DAY, "gate")  # the night is opened again: half of it lies there already
    assert key_ids(house.lake) == {"t1"}
    load_night(house, NEXT_DAY)
    assert key_ids(house.lake) == {"t1", "t2"}
    in_force = [keys_of_night(house.lake, keys_of(house), night) for night in NIGHTS]
    assert [keys.token_key_id for keys in in_force] == ["t1", "t2", "t2"]


def test_a_lake_from_before_keys_had_generations_goes_on(house: House) -> None:
    deliver(house)
    old = json.loads(house.settings.keys_file.read_text())
    names = ("token_key_id", "token_key", "master_key_id", "master_key")
    house.settings.keys_file.write_text(json.dumps({name: old[name] for name in names}))
    for source in (SHOP, "inn", "gate"):
        load(house.settings, source, DAY)  # such a lake says nothing about keys
    main(["--rotate"])
    load_night(house, NEXT_DAY)
    assert keys_of_night(house.lake, keys_of(house), DAY).token_key_id == "t1"
    assert keys_of_night(house.lake, keys_of(house), NEXT_DAY).token_key_id == "t2"
    [again] = house_tokens(house, NEXT_DAY, "C1") & house_tokens(house, DAY, "C1")
    assert again.startswith("t1:")


def house_tokens(house: House, night: date, card: str) -> set[str]:
    folder = house.lake.partition("raw", SHOP, "cards", night)
    rows = pl.concat([pl.read_parquet(path) for path in folder.glob("*.parquet")])
    return set(rows.filter(pl.col("card") == card)["mobile_token"])


def test_a_row_released_after_a_rotation_keeps_the_token_that_its_value_has(house: House) -> None:
    other = guest("李娜", "138 0000 0002", "G1")
    house.deliver_inn([other], [])
    house.deliver_shop([], [[*LI[:5], "也许"]])
    load_night(house, DAY, SHOP, "inn")
    [row] = quarantined_rows(house.lake, shop_of(house))
    settle = ["--by", "王芳", "--reason", "问过", "--set", "is_consented=是"]
    assert quarantine(["release", row.quarantine_id, *settle]) == 0
    main(["--rotate"])  # the row and its correction were sealed under m1
    house.deliver_shop([], [], day=NEXT_DAY)
    load_night(house, NEXT_DAY, SHOP)
    assert house_tokens(house, NEXT_DAY, "C2") == {token(old_keys(house), "mobile", "13800000002")}


def shop_of(house: House) -> Source:
    return load_source(house.settings.dbt_project, SHOP)


def old_keys(house: House) -> Keys:
    return keys_of_night(house.lake, keys_of(house), DAY)


def people(house: House, night: date) -> Iterator[str]:
    """What is sealed of the shop's cards in a night."""
    folder = house.lake.partition("restricted", SHOP, "cards", night)
    keys = house.lake.partition("restricted/keys", SHOP, "cards", night)
    wrapped = {
        row["key_ref"]: row["wrapped_key"]
        for path in keys.glob("*.parquet")
        for row in pl.read_parquet(path).to_dicts()
    }
    for path in folder.glob("*.parquet"):
        for row in pl.read_parquet(path).to_dicts():
            context = f"shop|cards|{row['account_id']}"
            yield unseal(keys_of(house), wrapped[row["key_ref"]], row["sealed"], context)


def test_what_was_sealed_opens_after_a_rotation_and_after_wrapping_anew(
    house: House, capsys: pytest.CaptureFixture[str]
) -> None:
    deliver(house)
    load_night(house, DAY)
    main(["--rotate"])
    load_night(house, NEXT_DAY)
    opened = [sorted(people(house, night)) for night in (DAY, NEXT_DAY)]
    assert [len(rows) for rows in opened] == [1, 3]
    assert "张伟" in opened[0][0]
    with pytest.raises(Problem, match=r"m1 is still needed: \d+ keys in .*--rewrap` first"):
        main(["--retire", "m1"])
    main(["--rewrap"])
    main(["--rewrap"])
    said = capsys.readouterr().out.splitlines()
    assert said[-2:] == [
        "3 keys of sealed values wrapped anew, all by master key m2",
        "0 keys of sealed values wrapped anew, all by master key m2",
    ]
    assert main(["--retire", "m1"]) == 0
    assert [key.key_id for key in keys_of(house).master_keys] == ["m2"]
    assert [sorted(people(house, night)) for night in (DAY, NEXT_DAY)] == opened


def test_a_sealed_correction_is_wrapped_anew_too(house: House) -> None:
    house.deliver_shop([], [[*LI[:5], "也许"]])
    load_night(house, DAY, SHOP)
    [row] = quarantined_rows(house.lake, shop_of(house))
    settle = ["--by", "王芳", "--reason", "问过", "--set", "is_consented=是"]
    quarantine(["release", row.quarantine_id, *settle])
    main(["--rotate"])
    main(["--rewrap"])
    assert main(["--retire", "m1"]) == 0
    house.deliver_shop([], [], day=NEXT_DAY)
    load_night(house, NEXT_DAY, SHOP)
    assert "李娜" in next(people(house, NEXT_DAY))


def test_a_token_key_goes_when_the_lake_was_rebuilt_without_it_and_not_before(
    house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    deliver(house)
    load_night(house, DAY)
    main(["--rotate"])
    load_night(house, NEXT_DAY)
    with pytest.raises(Problem, match=r"t1 is still needed: \d+ rows of raw/.* have tokens of it;"):
        main(["--retire", "t1"])
    rebuilt = another(house, tmp_path / "rebuilt")
    monkeypatch.setattr("ingest.key_commands.load_settings", lambda: rebuilt.settings)
    with pytest.raises(Problem, match="set LAKE_ROOT to the lake of this keys file"):
        main(["--retire", "t1"])
    for night in (DAY, NEXT_DAY):
        load_night(rebuilt, night)
    assert key_ids(rebuilt.lake) == {"t2"}
    assert_only_tokens_differ(house.lake, rebuilt.lake)
    assert main(["--retire", "t1"]) == 0
    assert [key.key_id for key in keys_of(rebuilt).token_keys] == ["t2"]
    load_night(rebuilt, THIRD_DAY)
    assert key_ids(rebuilt.lake) == {"t2"}


def test_keys_go_that_a_rebuilt_lake_has_never_known(
    house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    deliver(house)
    for night in (DAY, NEXT_DAY):
        load_night(house, night)
        main(["--rotate"])
    rebuilt = another(house, tmp_path / "rebuilt")
    monkeypatch.setattr("ingest.key_commands.load_settings", lambda: rebuilt.settings)
    for night in (DAY, NEXT_DAY):
        load_night(rebuilt, night)
    assert key_ids(rebuilt.lake) == {"t3"}
    assert [main(["--retire", key_id]) for key_id in ("t1", "t2")] == [0, 0]


def test_a_key_that_is_in_use_or_unknown_is_not_taken_away(house: House) -> None:
    main(["--rotate"])
    for key_id in ("t2", "m2", "t9"):
        with pytest.raises(Problem, match=rf"{key_id} is no earlier key of .* \(earlier: m1, t1\)"):
            main(["--retire", key_id])


def test_a_night_is_not_opened_with_the_keys_of_another_lake(house: House, tmp_path: Path) -> None:
    begin_keys(house.lake, keys_of(house), DAY)
    create_demo_keys(tmp_path / "other.json")
    with pytest.raises(Problem, match="token key t1 is not the one that made this lake"):
        begin_keys(house.lake, read_keys(tmp_path / "other.json"), NEXT_DAY)
    before = house.settings.keys_file.read_bytes()
    main(["--rotate"])
    begin_keys(house.lake, keys_of(house), NEXT_DAY)
    house.settings.keys_file.write_bytes(before)
    with pytest.raises(Problem, match="the keys file lacks token key t2 of this lake; restore it"):
        begin_keys(house.lake, keys_of(house), THIRD_DAY)
    house.lake.token_key("t1").write_text("{}")
    with pytest.raises(Problem, match=r"t1\.json is damaged; restore it"):
        begin_keys(house.lake, keys_of(house), THIRD_DAY)


def test_rotating_keeps_the_earlier_keys_for_the_owner_alone_and_shows_none(
    house: House, capsys: pytest.CaptureFixture[str]
) -> None:
    path = house.settings.keys_file
    first = keys_of(house)
    for _ in range(2):
        assert main(["--rotate"]) == 0
    keys = keys_of(house)
    assert path.stat().st_mode & 0o777 == 0o600
    assert [each.name for each in path.parent.iterdir()] == [path.name]
    assert [key.key_id for key in keys.token_keys] == ["t1", "t2", "t3"]
    assert [key.key_id for key in keys.master_keys] == ["m1", "m2", "m3"]
    assert [key.key_id for key in keys.sign_keys] == ["s1", "s2", "s3"]
    assert (keys.token_keys[0], keys.sign_keys[0]) == (first.token_keys[0], first.sign_keys[0])
    every = (*keys.token_keys, *keys.master_keys, *keys.sign_keys)
    assert len({key.key for key in every}) == 9
    said = capsys.readouterr()
    assert_shows_no_key(said.out + said.err + repr(keys) + repr(every), keys)


def test_a_keys_file_from_before_there_were_signatures_gets_a_key_that_signs(
    house: House, capsys: pytest.CaptureFixture[str]
) -> None:
    path, old = house.settings.keys_file, replace(keys_of(house), sign_keys=())
    replace_keys(path, old)
    assert keys_of(house) == old
    assert main([]) == 0
    assert "added the key s1, which signs statements, to" in capsys.readouterr().out
    keys = keys_of(house)
    assert replace(keys, sign_keys=()) == old
    assert [key.key_id for key in keys.sign_keys] == ["s1"]
    assert main([]) == 0
    assert capsys.readouterr().out.startswith("kept")
    assert keys_of(house) == keys


def test_a_key_that_signs_is_rotated_from_nothing_and_never_taken_away(house: House) -> None:
    replace_keys(house.settings.keys_file, replace(keys_of(house), sign_keys=()))
    main(["--rotate"])
    main(["--rotate"])
    assert [key.key_id for key in keys_of(house).sign_keys] == ["s1", "s2"]
    for key_id in ("s1", "s2"):
        with pytest.raises(Problem, match=f"{key_id} signed statements and stays"):
            main(["--retire", key_id])


def no_base64(keys: dict[str, Any]) -> None:
    keys["earlier_token_keys"][0]["key"] = "no base64"


def no_list(keys: dict[str, Any]) -> None:
    keys["earlier_master_keys"] = "m1"


def short(keys: dict[str, Any]) -> None:
    keys["earlier_token_keys"][0]["key"] = base64.b64encode(b"short").decode()


def twice(keys: dict[str, Any]) -> None:
    keys["earlier_token_keys"][0]["id"] = keys["token_key_id"]


def nameless(keys: dict[str, Any]) -> None:
    keys["earlier_master_keys"][0]["id"] = "../m1"


@pytest.mark.parametrize(
    ("break_it", "reason"),
    [
        (no_base64, "is damaged; restore it"),
        (no_list, "is damaged; restore it"),
        (short, "each key must be 32 bytes in base64"),
        (nameless, r"key id '../m1' must be letters, digits, - and _"),
        (twice, "a token key id stands there twice; restore it"),
    ],
)
def test_a_keys_file_with_a_broken_earlier_key_is_refused_and_left_alone(
    house: House, break_it: Callable[[dict[str, Any]], None], reason: str
) -> None:
    main(["--rotate"])
    path = house.settings.keys_file
    keys = keys_of(house)
    document = json.loads(path.read_text())
    break_it(document)
    path.write_text(json.dumps(document))
    before = path.read_bytes()
    for arguments in (["--rotate"], ["--retire", "t1"], ["--rewrap"]):
        with pytest.raises(Problem, match=reason) as caught:
            main(arguments)
        assert_shows_no_key("".join(format_exception(caught.value)), keys)
    assert path.read_bytes() == before


def test_a_keys_file_that_others_can_read_or_that_is_being_changed_is_not_rotated(
    house: House,
) -> None:
    path = house.settings.keys_file
    before = path.read_bytes()
    path.chmod(0o644)
    with pytest.raises(Problem, match="chmod 600"):
        main(["--rotate"])
    path.chmod(0o600)
    path.with_name(f".{path.name}.new").touch()
    with pytest.raises(Problem, match="another command is changing"):
        main(["--rotate"])
    assert path.read_bytes() == before


def test_the_demo_group_rotates_its_keys_and_nobody_becomes_a_stranger(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = load_settings().dbt_project
    made = ["--people", "200", "--from", str(DAY), "--nights", "3", "--history-days", "10"]
    monkeypatch.setenv("LAKE_ROOT", str(tmp_path / "one" / "lake"))
    demo(made)
    lakes = []
    for name in ("one", "other"):
        place = tmp_path / name
        house = House(Settings(place / "lake", place / "k.json", place, project, "1GB"))
        if name == "other":
            shutil.copytree(tmp_path / "one" / "lake" / "landing", house.lake.root / "landing")
        create_demo_keys(house.settings.keys_file)
        monkeypatch.setattr("ingest.key_commands.load_settings", lambda h=house: h.settings)
        for night in NIGHTS:
            load_night(house, night, "hotel", "miniprogram", "parking", "pos", "property")
            if name == "other":
                main(["--rotate"])
        lakes.append(house.lake)
    assert key_ids(lakes[1]) == {"t1", "t2", "t3"}
    assert_only_tokens_differ(*lakes)
