"""Rows that do not count: what is kept of them, and what people can decide about them."""

import json
from pathlib import Path
from typing import Any

import pytest

from ingest.core.contract import load_source
from ingest.core.errors import Problem
from ingest.load import load
from ingest.quarantine import quarantined_rows
from ingest.quarantine_commands import main
from tests.ingest.small_house import DAY, NEXT_DAY, House, build_house, read, sale
from tests.ingest.what_counts import counting_rows, outcomes

CARD = ["C1", "张伟", "138-0000-0001", "1990-02-03", "上海市示例路1号", "也许"]


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> House:
    house = build_house(tmp_path)
    monkeypatch.setattr("ingest.quarantine_commands.load_settings", lambda: house.settings)
    return house


def deliver_and_load(house: House) -> None:
    """A bad amount, a date of tomorrow, two rows that contradict each other, a bad consent."""
    rows = [
        sale("R1", "12,5"),
        sale("R2", "2.00", "2026-10-30 04:00:00"),
        sale("R3", "3.00"),
        sale("R3", "3.03"),
    ]
    house.deliver_shop(rows, [CARD], total="8.03")
    load(house.settings, "shop", DAY)


def load_next(house: House, sales: list[list[Any]] | None = None, total: str = "0.00") -> None:
    house.deliver_shop(sales or [], day=NEXT_DAY, total=total)
    load(house.settings, "shop", NEXT_DAY)


def ids(house: House) -> dict[tuple[str, int], str]:
    """Quarantine ids by table and row."""
    source = load_source(house.settings.dbt_project, "shop")
    return {
        (row.table_name, row.source_row): row.quarantine_id
        for row in quarantined_rows(house.lake, source)
    }


def decide(action: str, row: str, *more: str) -> int:
    return main([action, row, "--by", "王芳", "--reason", "查过小票", *more])


def test_rows_that_do_not_count_are_listed_with_rule_and_place(
    house: House, capsys: pytest.CaptureFixture[str]
) -> None:
    deliver_and_load(house)
    assert main(["ls"]) == 0
    listed = capsys.readouterr().out
    for row in ids(house).values():
        assert row in listed
    for told in ("12,5", "future", "key_conflict", "shop/2026-10-29/销售_20261029.csv"):
        assert told in listed
    assert "张伟" not in listed
    assert main(["ls", "--source", "inn"]) == 0
    assert "no row waits for a decision" in capsys.readouterr().out


def test_a_program_gets_the_rows_that_do_not_count_and_nothing_of_their_text(
    house: House, capsys: pytest.CaptureFixture[str]
) -> None:
    deliver_and_load(house)
    assert main(["ls", "--json"]) == 0
    printed = capsys.readouterr().out
    told = json.loads(printed)
    places = {(row["table_name"], row["source_row"]): row["quarantine_id"] for row in told}
    assert places == ids(house)
    assert {row["state"] for row in told} == {"open"}
    (amount,) = [row for row in told if row["value"] == "12,5"]
    assert (amount["source"], amount["load_date"]) == ("shop", "2026-10-29")
    assert amount["source_file"] == "2026-10-29/销售_20261029.csv"
    assert "张伟" not in printed
    assert main(["ls", "--source", "inn", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == []


def test_a_row_is_shown_with_its_text_and_the_hash_of_its_file(
    house: House, capsys: pytest.CaptureFixture[str]
) -> None:
    deliver_and_load(house)
    assert main(["show", ids(house)["cards", 1]]) == 0
    shown = capsys.readouterr().out
    record = next(row for row in house.quarantined("shop", "cards"))
    assert record["source_sha256"] in shown
    assert "rule allowed" in shown or "rule type" in shown
    assert json.loads(shown.splitlines()[-1])["姓名"] == "张伟"


def test_a_released_row_counts_from_the_next_night_on_with_its_correction(house: House) -> None:
    deliver_and_load(house)
    row = ids(house)["sales", 1]
    assert decide("release", row, "--set", "paid_fen=12.50") == 0
    assert {r["receipt"] for r in counting_rows(house, "shop", "sales", DAY)} == set()
    load_next(house)
    [released] = counting_rows(house, "shop", "sales", NEXT_DAY)
    assert (released["receipt"], released["paid_fen"]) == ("R1", 1250)
    assert (released["_source_file"], released["_source_row"]) == (
        "2026-10-29/销售_20261029.csv",
        1,
    )
    [record] = [r for r in load_records(house) if r["status"] == "released"]
    assert (record["kept_count"], record["quarantined_count"]) == (1, -1)
    assert (record["kept_total_fen"], record["quarantined_total_fen"]) == (1250, 0)
    load_next(house)
    assert len(counting_rows(house, "shop", "sales", NEXT_DAY)) == 1


def load_records(house: House) -> list[dict[str, Any]]:
    return read(house.lake.deliveries("shop", NEXT_DAY))


def test_a_person_may_let_a_row_pass_a_bound_but_not_a_type(house: House) -> None:
    deliver_and_load(house)
    assert decide("release", ids(house)["sales", 2]) == 0
    with pytest.raises(Problem, match=r"still breaks the rule 'type' of column paid_fen; correct"):
        decide("release", ids(house)["sales", 1])
    load_next(house)
    [released] = counting_rows(house, "shop", "sales", NEXT_DAY)
    assert (released["receipt"], str(released["business_date"])) == ("R2", "2026-10-30")


def test_releasing_one_of_two_contradicting_rows_settles_it(house: House) -> None:
    deliver_and_load(house)
    assert decide("release", ids(house)["sales", 4]) == 0
    load_next(house)
    [chosen] = counting_rows(house, "shop", "sales", NEXT_DAY)
    assert (chosen["receipt"], chosen["paid_fen"]) == ("R3", 303)
    assert outcomes(house, "shop", "sales", NEXT_DAY) == {
        "loaded": (1, 303),
        "superseded": (1, 300),
    }
    assert ("sales", 4) not in ids(house)


def test_a_released_customer_gets_tokens_and_a_sealed_row(house: House) -> None:
    deliver_and_load(house)
    assert decide("release", ids(house)["cards", 1], "--set", "is_consented=是") == 0
    load_next(house)
    [row] = counting_rows(house, "shop", "cards", NEXT_DAY)
    assert row["mobile_masked"] == "138****0001"
    assert row["is_consented"] is True
    [sealed] = house.rows("restricted", "shop", "cards", NEXT_DAY)
    [key] = house.rows("restricted/keys", "shop", "cards", NEXT_DAY)
    assert sealed["key_ref"] == key["key_ref"]


def test_a_decision_keeps_no_value_readable(house: House) -> None:
    deliver_and_load(house)
    decide("release", ids(house)["cards", 1], "--set", "is_consented=是", "--set", "home=秘密路9号")
    written = [path.read_text("utf-8") for path in house.lake.decisions("shop").iterdir()]
    assert len(written) == 1
    assert "秘密" not in written[0]
    assert json.loads(written[0])["decided_by"] == "王芳"
    assert json.loads(written[0])["effective_from"] == "2026-10-30"


def test_a_rejected_row_stays_out_and_is_no_longer_open(
    house: House, capsys: pytest.CaptureFixture[str]
) -> None:
    deliver_and_load(house)
    row = ids(house)["sales", 1]
    assert decide("reject", row) == 0
    load_next(house)
    assert counting_rows(house, "shop", "sales", NEXT_DAY) == []
    capsys.readouterr()
    main(["ls"])
    assert row not in capsys.readouterr().out
    main(["ls", "--all"])
    assert row in capsys.readouterr().out
    main(["show", row])
    assert "reject from 2026-10-30 on, by 王芳: 查过小票" in capsys.readouterr().out


def test_loading_a_night_again_takes_in_the_same_releases_and_no_later_ones(house: House) -> None:
    deliver_and_load(house)
    decide("release", ids(house)["sales", 2])
    load_next(house)
    paths = sorted((house.lake.root / "raw").rglob("*.parquet"))
    before = {path: path.read_bytes() for path in paths}
    decide("release", ids(house)["sales", 3])
    load(house.settings, "shop", NEXT_DAY)
    assert {path: path.read_bytes() for path in before} == before
    assert sorted((house.lake.root / "raw").rglob("*.parquet")) == paths


@pytest.mark.parametrize(
    ("setting", "reason"),
    [("paid_fen", "is not COLUMN=TEXT"), ("total=1", "is not COLUMN=TEXT; columns: receipt,")],
)
def test_a_correction_names_a_column_and_its_text(house: House, setting: str, reason: str) -> None:
    deliver_and_load(house)
    with pytest.raises(Problem, match=reason):
        decide("release", ids(house)["sales", 1], "--set", setting)
    with pytest.raises(Problem, match="a contradiction is settled by releasing one of its rows"):
        decide("release", ids(house)["sales", 3], "--set", "paid_fen=1")


def test_a_row_that_could_not_be_taken_apart_can_only_be_rejected(house: House) -> None:
    house.deliver_inn(['{"guest": "G1"', '{"guest": "G2"}'], [])
    load(house.settings, "inn", DAY)
    source = load_source(house.settings.dbt_project, "inn")
    [row] = quarantined_rows(house.lake, source)
    with pytest.raises(Problem, match="cannot be released; reject it and ask the business"):
        decide("release", row.quarantine_id)
    assert decide("reject", row.quarantine_id) == 0


def test_one_poison_row_in_a_million_is_put_aside_with_its_number(house: House) -> None:
    line = "R{0},1,,2026-10-29 12:00:00,销售,1.00\r\n"
    lines = [line.format(number) for number in range(1_000_000)]
    lines[777_776] = '"R777776",1,,2026-10-29 25:61:00,销售,1.00\r\n'
    text = "小票,行号,卡号,时间,类型,实付\r\n" + "".join(lines)
    house.deliver_shop([], total="1000000.00", rows=1_000_000)
    house.put("shop", DAY, "销售_{d}.csv", text.encode("gb18030"))
    [_, record] = sorted(load(house.settings, "shop", DAY), key=lambda r: str(r["table_name"]))
    assert (record["kept_count"], record["quarantined_count"]) == (999_999, 1)
    [refused] = house.quarantined("shop", "sales")
    assert (refused["source_row"], refused["rule"], refused["value"]) == (
        777_777,
        "type",
        "2026-10-29 25:61:00",
    )
