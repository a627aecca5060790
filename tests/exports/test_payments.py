"""Payments that finance records: what a file may say, what is recorded once, what takes it back."""

import json
from datetime import date
from pathlib import Path

import pyarrow as pa
import pytest

from exports.__main__ import main
from exports.payments import next_posting
from ingest.core.errors import Problem
from ingest.core.lake import Lake, write_parquet
from ingest.core.payments import (
    Journal,
    Payment,
    Recording,
    add_recording,
    payment_table,
    payments_known,
    read_journal,
)
from tests.exports.small_publication import publish_small

# The small publication is of 15 January 2026, so what is recorded counts from the 16th.
NIGHT = date(2026, 1, 16)
HEAD = "bank_reference,paid_date,payer_party,payee_party,amount_fen,note\n"
SHOP = "insert into dim_parties (party, party_kind) values ('mall/S1', 'merchant')"
NOBODY = "insert into dim_parties (party, party_kind) values ('suspense/mall', 'suspense')"


@pytest.fixture
def lake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Lake:
    publish_small(tmp_path / "lake", SHOP, NOBODY)
    monkeypatch.setenv("LAKE_ROOT", str(tmp_path / "lake"))
    return Lake(tmp_path / "lake")


def file_of(lake: Lake, *lines: str, head: str = HEAD) -> Path:
    path = lake.root.parent / "paid.csv"
    path.write_text(head + "".join(f"{line}\n" for line in lines), encoding="utf-8")
    return path


def record(path: Path, by: str = "陈静") -> int:
    return main(["payments", "record", str(path), "--by", by])


def add(reference: str, fen: str, on: str = "2026-01-15", to: str = "mall/S1") -> int:
    named = ("--reference", reference, "--on", on, "--from", "mall", "--to", to, "--fen", fen)
    return main(["payments", "add", *named, "--by", "陈静"])


def reverse(reference: str, why: str = "wrong amount") -> int:
    return main(["payments", "reverse", reference, "--by", "王芳", "--why", why])


def entries(lake: Lake) -> list[tuple[str, str, str, int, bool]]:
    """Each entry: id, payer, payee, fen, whether it is a reversal."""
    return [
        (*(row[name] for name in ("payment_id", "payer_party", "payee_party", "amount_fen")),
         row["is_reversal"])
        for row in payments_known(lake, date.max)
    ]  # fmt: skip


def test_a_file_is_recorded_with_who_when_and_the_row_of_each_payment(
    lake: Lake, capsys: pytest.CaptureFixture[str]
) -> None:
    path = file_of(lake, "B1,2026-01-14,mall,mall/S1,12345,首付", "", "B2,2026-01-16,hotel,fund,1,")
    assert record(path) == 0
    assert "2 payments, 123.46 yuan, count from the night of 2026-01-16" in capsys.readouterr().out
    assert payment_table(lake, NIGHT).to_pylist() == [
        {
            "payment_id": "B1#1",
            "bank_reference": "B1",
            "payer_party": "mall",
            "payee_party": "mall/S1",
            "amount_fen": 12345,
            "paid_date": date(2026, 1, 14),
            "posted_date": NIGHT,
            "is_reversal": False,
            "recorded_by": "陈静",
            "note": "首付",
            "source_file": "paid.csv",
            "source_row": 1,
        },
        {
            "payment_id": "B2#1",
            "bank_reference": "B2",
            "payer_party": "hotel",
            "payee_party": "fund",
            "amount_fen": 1,
            "paid_date": NIGHT,
            "posted_date": NIGHT,
            "is_reversal": False,
            "recorded_by": "陈静",
            "note": "",
            "source_file": "paid.csv",
            "source_row": 2,
        },
    ]
    assert payment_table(lake, date(2026, 1, 15)).num_rows == 0


def test_the_same_file_again_records_what_is_new_and_no_payment_twice(
    lake: Lake, capsys: pytest.CaptureFixture[str]
) -> None:
    one, two = "B1,2026-01-14,mall,mall/S1,100,", "B2,2026-01-14,mall,mall/S1,200,"
    assert record(file_of(lake, one)) == 0
    assert record(file_of(lake, one, two, two)) == 0
    assert "1 payments, 2.00 yuan" in (said := capsys.readouterr().out)
    assert "2 had been recorded before" in said
    assert record(file_of(lake, one, two)) == 0
    assert "nothing new" in capsys.readouterr().out
    assert [entry[0] for entry in entries(lake)] == ["B1#1", "B2#1"]
    assert len(read_journal(lake).recordings) == 2


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (",2026-01-14,mall,mall/S1,1,", "column bank_reference: is empty"),
        ("B\t1,2026-01-14,mall,mall/S1,1,", "column bank_reference: holds characters"),
        ("B,14.01.2026,mall,mall/S1,1,", "column paid_date: '14.01.2026' is not a date"),
        ("B,2026-01-17,mall,mall/S1,1,", "column paid_date: 2026-01-17 is after 2026-01-16"),
        ("B,2026-01-14,shop,mall/S1,1,", "column payer_party: 'shop' is no party"),
        ("B,2026-01-14,mall,suspense/mall,1,", "column payee_party: 'suspense/mall' is no party"),
        ("B,2026-01-14,mall,mall,1,", "column payee_party: mall cannot pay itself"),
        ("B,2026-01-14,mall,mall/S1,0,", "column amount_fen: '0' is no amount in whole fen"),
        ("B,2026-01-14,mall,mall/S1,-5,", "column amount_fen: '-5' is no amount in whole fen"),
        ("B,2026-01-14,mall,mall/S1,12.50,", "column amount_fen: '12.50' is no amount in whole"),
        ('B,2026-01-14,mall,mall/S1,"1,250",', "column amount_fen: '1,250' is no amount in whole"),
        ("B,2026-01-14,mall,mall/S1,1000000000000001,", "column amount_fen: '1000000000000001'"),
        ("A,2026-01-14,mall,mall/S1,101,", "column bank_reference: stands in data row 1, too"),
    ],
)
def test_a_value_that_cannot_be_taken_is_named_by_line_and_column_and_nothing_is_recorded(
    lake: Lake, capsys: pytest.CaptureFixture[str], line: str, said: str
) -> None:
    path = file_of(lake, 'A,2026-01-14,mall,mall/S1,100,"two', 'lines"', line)
    with pytest.raises(Problem, match=r"1 lines of .* cannot be taken, so none was recorded"):
        record(path)
    assert f"{path}, line 4, {said}" in capsys.readouterr().err
    assert read_journal(lake) == Journal()


def test_the_largest_amount_and_the_date_of_the_next_night_can_be_recorded(lake: Lake) -> None:
    assert record(file_of(lake, "B,2026-01-16,mall,mall/S1,1000000000000000,")) == 0
    assert entries(lake) == [("B#1", "mall", "mall/S1", 10**15, False)]


@pytest.mark.parametrize(
    ("head", "line", "said"),
    [
        ("bank_reference,paid_date,payer_party,payee_party\n", "", "line 1: it lacks amount_fen"),
        (HEAD.replace("note", "memo"), "", "line 1: it names memo"),
        (HEAD.replace("note", "paid_date"), "", "line 1: it names bank_reference"),
        (HEAD, "B,2026-01-14,mall,mall/S1,1", "line 2: 5 values for 6 columns"),
        (HEAD, 'B,2026-01-14,mall,mall/S1,1,"open', "as CSV in UTF-8"),
        ("", "", "line 1: it lacks bank_reference"),
    ],
)
def test_a_file_that_is_no_table_of_payments_is_one_problem(
    lake: Lake, head: str, line: str, said: str
) -> None:
    with pytest.raises(Problem, match=said):
        record(file_of(lake, line, head=head))
    assert read_journal(lake) == Journal()


def test_a_file_of_another_encoding_or_none_at_all_is_one_problem(lake: Lake) -> None:
    path = file_of(lake)
    path.write_bytes((HEAD + "B,2026-01-14,mall,mall/S1,1,首付").encode("gb18030"))
    with pytest.raises(Problem, match="as CSV in UTF-8"):
        record(path)
    with pytest.raises(Problem, match="No such file"):
        record(path.with_name("none.csv"))


def test_a_file_from_a_spreadsheet_begins_with_a_mark_and_needs_no_notes(lake: Lake) -> None:
    head = "\ufeff" + HEAD.replace(",note", "")
    assert record(file_of(lake, "B,2026-01-14,mall,mall/S1,5", head=head)) == 0
    assert entries(lake) == [("B#1", "mall", "mall/S1", 5, False)]


def test_a_payment_is_corrected_by_a_reversal_and_recorded_anew(
    lake: Lake, capsys: pytest.CaptureFixture[str]
) -> None:
    assert add("B1", "12345") == 0
    with pytest.raises(Problem, match=r"B1 was recorded by 陈静 as 12345 fen .* reverse it first"):
        add("B1", "12354")
    assert reverse("B1") == 0
    assert add("B1", "12354") == 0
    assert entries(lake) == [
        ("B1#1", "mall", "mall/S1", 12345, False),
        ("B1#2", "mall/S1", "mall", 12345, True),
        ("B1#3", "mall", "mall/S1", 12354, False),
    ]
    assert main(["payments", "ls"]) == 0
    listed = capsys.readouterr().out.splitlines()[-3:]
    assert listed[1] == (
        "2026-01-16  B1#2  reversal of 12345 fen from mall/S1 to mall on 2026-01-15, recorded by "
        "王芳: wrong amount"
    )


def test_what_was_reversed_is_not_recorded_again_by_the_file_that_held_it(lake: Lake) -> None:
    path = file_of(lake, "B1,2026-01-14,mall,mall/S1,100,")
    assert (record(path), reverse("B1"), record(path)) == (0, 0, 0)
    assert [entry[0] for entry in entries(lake)] == ["B1#1", "B1#2"]


def test_only_what_stands_can_be_reversed_and_with_a_reason(lake: Lake) -> None:
    with pytest.raises(Problem, match="no payment B1 was recorded"):
        reverse("B1")
    assert add("B1", "5") == 0
    with pytest.raises(Problem, match="needs a reason; add --why WHY"):
        reverse("B1", " ")
    assert reverse("B1") == 0
    with pytest.raises(Problem, match="B1 was reversed by 王芳 before: wrong amount"):
        reverse("B1")


def test_somebody_records_and_one_payment_is_refused_like_a_line(lake: Lake) -> None:
    with pytest.raises(Problem, match="a payment needs who records it; add --by WHO"):
        record(file_of(lake), by=" ")
    with pytest.raises(Problem, match=r"^amount_fen: '1\.5' is no amount in whole fen"):
        add("B1", "1.5")


def test_a_night_that_was_opened_may_have_read_the_journal_so_the_one_after_it_counts(
    lake: Lake,
) -> None:
    assert next_posting(lake) == NIGHT
    opened = pa.table({"business_date": [date(2026, 1, 15)]})
    write_parquet(opened, lake.tonight)
    assert next_posting(lake) == NIGHT
    write_parquet(pa.table({"business_date": [NIGHT]}), lake.tonight)
    assert next_posting(lake) == date(2026, 1, 17)


def test_before_the_first_night_there_is_nothing_to_pay(tmp_path: Path) -> None:
    with pytest.raises(Problem, match="no night has been published yet"):
        next_posting(Lake(tmp_path))


PAID = Payment("B1", "mall", "mall/S1", 5, date(2026, 1, 14))


def test_who_records_at_the_same_time_is_told_to_do_it_again(lake: Lake) -> None:
    journal = read_journal(lake)
    add_recording(lake, journal, Recording("陈静", NIGHT, None, (PAID,)))
    with pytest.raises(Problem, match="somebody else recorded payments meanwhile"):
        add_recording(lake, journal, Recording("王芳", NIGHT, None, (PAID,)))
    assert len(entries(lake)) == 1


def change(path: Path) -> None:
    entry = json.loads(path.read_text(encoding="utf-8"))
    entry["payments"][0]["amount_fen"] = 6
    path.write_text(json.dumps(entry), encoding="utf-8")


@pytest.mark.parametrize("number", [1, 2])
def test_a_recording_that_was_changed_or_taken_away_is_found(lake: Lake, number: int) -> None:
    for reference in ("B1", "B2", "B3"):
        assert add(reference, "5") == 0
    path = lake.payments / f"{number:06d}.json"
    content = path.read_bytes()
    change(path)
    with pytest.raises(Problem, match="does not follow the recording before it"):
        read_journal(lake)
    path.unlink()
    with pytest.raises(Problem, match="does not follow the recording before it"):
        read_journal(lake)
    path.write_bytes(content[:-9])
    with pytest.raises(Problem, match="is no recording of payments; restore it"):
        read_journal(lake)
    path.write_bytes(content)
    assert len(entries(lake)) == 3
