"""Texts as business systems write them become one exact value, or NULL; nothing is guessed."""

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.values import date_value, fen, local_time, utc, whole_number

Values = Callable[[pl.Expr], pl.Expr]
BIGGEST = 2**63 - 1
MOMENTS = st.datetimes(datetime(1000, 1, 1), datetime(9999, 12, 31))
FULL_WIDTH = str.maketrans("0123456789,.-+/:()", "０１２３４５６７８９，．－＋／：（）")


def values(read: Values, *texts: str | None) -> list[object]:
    """What an expression makes of a column of texts."""
    column = pl.DataFrame({"text": texts}, schema={"text": pl.String})
    return column.select(read(pl.col("text"))).to_series().to_list()


def yuan(text: pl.Expr) -> pl.Expr:
    return fen(text, "yuan")


def serial_date(text: pl.Expr) -> pl.Expr:
    return date_value(text, excel_serial=True)


def serial_time(text: pl.Expr) -> pl.Expr:
    return local_time(text, excel_serial=True)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


@pytest.mark.parametrize(
    "text",
    [
        *("2026-01-05", "2026-1-5", "2026/1/5", "2026/01/05", "2026.01.05", "2026.1.5"),
        *(
            "20260105",
            "2026年1月5日",
            "2026年01月05日",
            "２０２６年１月５日",
            "２０２６－０１－０５",
        ),
        *("2026-01-05 00:00:00", "2026-01-05T00:00:00.000", "2026/1/5 0:00"),
    ],
)
def test_every_spelling_of_a_date_is_one_date(text: str) -> None:
    assert values(date_value, text) == [date(2026, 1, 5)]


@pytest.mark.parametrize(
    "text",
    [
        *("05/01/2026", "1/5/2026", "5.1.2026", "26-01-05", "2026-01", "202601", "2026-1/5"),
        *("2026-13-01", "2026-02-29", "2026/2/30", "20260230", "2026年2月30日", "0000-00-00"),
        *("0001-01-01", "2026-01-05 00:00:01", "2026-01-05 8:30", "2026年1月", "2026-001-05"),
        *("46027", "²026-01-05", "٢٠٢٦-٠١-٠٥", "2026-01-05x", " ", "", "12026-01-05", "2026 01 05"),
    ],
)
def test_a_date_that_is_none_or_could_be_two_is_null(text: str) -> None:
    assert values(date_value, text) == [None]


def test_the_leap_day_is_a_date_in_leap_years_only() -> None:
    texts = ["2024-02-29", "2023/2/29", "20240229", "2100年2月29日"]
    day = date(2024, 2, 29)
    assert values(date_value, *texts) == [day, None, day, None]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-01-05 08:30:00", "2026-01-05T08:30:00"),
        ("2026-01-05T08:30:00", "2026-01-05T08:30:00"),
        ("2026-01-05 08:30", "2026-01-05T08:30:00"),
        ("2026-01-05 08:30:00.5", "2026-01-05T08:30:00.500000"),
        ("2026-01-05T08:30:00.123456789", "2026-01-05T08:30:00.123456"),
        ("2026/1/5 8:30", "2026-01-05T08:30:00"),
        ("2026/01/05 08:30:09", "2026-01-05T08:30:09"),
        ("2026.1.5  8:30:09.25", "2026-01-05T08:30:09.250000"),
        ("20260105083000", "2026-01-05T08:30:00"),
        ("20260105 08:30:00", "2026-01-05T08:30:00"),
        ("2026年1月5日8:30", "2026-01-05T08:30:00"),
        ("2026年1月5日 23:59:59", "2026-01-05T23:59:59"),
        ("２０２６／１／５　８：３０", "2026-01-05T08:30:00"),
        ("2026/1/5 上午 12:00", "2026-01-05T00:00:00"),
        ("2026/1/5 上午11:59", "2026-01-05T11:59:00"),
        ("2026/1/5 下午 12:00", "2026-01-05T12:00:00"),
        ("2026/1/5 下午11:59:59", "2026-01-05T23:59:59"),
    ],
)
def test_every_spelling_of_a_moment_is_one_moment(text: str, expected: str) -> None:
    assert values(local_time, text) == [at(expected)]


@pytest.mark.parametrize(
    "text",
    [
        *("2026-01-05", "2026-01-05 24:00:00", "2026-01-05 23:60", "2026-01-05 23:59:60"),
        *("2026-01-05 08:30:00Z", "2026-01-05 08:30:00+08:00", "2026-02-29 08:30", "08:30"),
        *("2026/1/5 24:00", "2026/1/5 23:59:60", "2026/1/5 下午 13:00", "2026/1/5 上午 0:30"),
        *("2026-1-508:30", "20260105243000", "20260105083060", "2026010508300", "2026/1/5 8:3"),
        *("5/1/2026 8:30", "46027.5", "2026-01-05 08:30:00.", "2026年1月5 8:30"),
    ],
)
def test_a_moment_that_is_none_or_could_be_two_is_null(text: str) -> None:
    assert values(local_time, text) == [None]


@pytest.mark.parametrize(
    ("serial", "expected"),
    [
        ("0", None),
        ("1", date(1900, 1, 1)),
        ("59", date(1900, 2, 28)),
        ("60", None),
        ("61", date(1900, 3, 1)),
        ("46027", date(2026, 1, 5)),
        ("46027.0", date(2026, 1, 5)),
        ("46027.5", None),
        ("４６０２７", date(2026, 1, 5)),
        ("2958465", date(9999, 12, 31)),
        ("2958466", None),
        ("-1", None),
        ("2026-01-05", date(2026, 1, 5)),
        ("20260105", date(2026, 1, 5)),
    ],
)
def test_a_day_number_of_excel_is_read_where_it_is_declared(
    serial: str, expected: date | None
) -> None:
    assert values(serial_date, serial) == [expected]


@pytest.mark.parametrize(
    ("serial", "expected"),
    [
        ("46027", "2026-01-05T00:00:00"),
        ("46027.354166666664", "2026-01-05T08:30:00"),
        ("46027.99999421", "2026-01-05T23:59:59"),  # 86399.49974 seconds
        ("46027.99999422", "2026-01-06T00:00:00"),  # 86399.50061 seconds
        ("2958465.99999", "9999-12-31T23:59:59"),
        ("2958465.999999", None),
        ("60.5", None),
    ],
)
def test_a_day_number_with_a_fraction_is_a_moment_to_the_nearest_second(
    serial: str, expected: str | None
) -> None:
    assert values(serial_time, serial) == [expected and at(expected)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1234.50", 123450),
        ("1234.5", 123450),
        ("1234", 123400),
        ("-0.01", -1),
        ("-0.00", 0),
        ("0.02000", 2),
        ("-12.3400", -1234),
        ("1,234.50", 123450),
        ("1,234,567.89", 123456789),
        ("-1,234.50", -123450),
        ("¥1,234.50", 123450),
        ("￥1,234.50", 123450),
        ("¥ 12", 1200),
        ("-¥12.00", -1200),
        ("¥-12.00", -1200),
        ("+12.00", 1200),
        ("12.00-", -1200),
        ("(12.00)", -1200),
        ("(¥1,200.00)", -120000),
        ("（１２．００）", -1200),
        ("１，２３４．５０", 123450),
        ("92233720368547758.07", BIGGEST),
        ("92233720368547758.08", None),
        ("-92,233,720,368,547,758.07", -BIGGEST),
        ("92,233,720,368,547,758.08", None),
    ],
)
def test_an_amount_in_yuan_is_exact_fen_however_it_is_written(
    text: str, expected: int | None
) -> None:
    assert values(yuan, text) == [expected]


@pytest.mark.parametrize(
    "text",
    [
        *(
            "12.500",
            "12.345",
            "12.340",
            "0.02001",
            "1.234",
            "1,23,4",
            "1,2345",
            ",123",
            "1234,567",
            "12,34.00",
            "1,234,",
        ),
        *("1e3", "1.5E+03", "NaN", "inf", "Infinity", "abc", "--1", "-(12.00)", "-12.00-", "+-1"),
        *(
            "(12.00",
            "12.00)",
            "(-12.00)",
            "12.",
            ".50",
            "1 234.50",
            "¥",
            "¥¥1",
            "12¥",
            "$12",
            "",
            "½",
        ),
        *("1²", "①", "12.00元", "1.234,50", "+", "-", "()", "12.00+"),
    ],
)
def test_an_amount_that_is_none_or_could_be_two_is_null(text: str) -> None:
    assert values(yuan, text) == [None]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1234", 1234),
        ("-1234", -1234),
        ("1,234", 1234),
        ("１，２３４", 1234),
        ("(1,234)", -1234),
        ("9223372036854775807", BIGGEST),
        ("9223372036854775808", None),
        ("-9223372036854775808", -BIGGEST - 1),
        ("9,223,372,036,854,775,808", None),
        ("99999999999999999999", None),
        ("1.0", None),
        ("1,234.00", None),
        ("1,23", None),
    ],
)
def test_whole_numbers_and_amounts_in_fen_take_thousands_separators(
    text: str, expected: int | None
) -> None:
    assert values(whole_number, text) == [expected]
    assert values(lambda column: fen(column, "fen"), text) == [expected]


def test_only_amounts_carry_a_yen_sign() -> None:
    assert values(whole_number, "¥12") == [None]
    assert values(lambda column: fen(column, "fen"), "¥1,200") == [1200]


def test_a_column_of_all_forms_keeps_its_order_and_its_nulls() -> None:
    texts = [None, "2026/1/5", "x", "2026-01-06", None, "20260107"]
    days = [None, date(2026, 1, 5), None, date(2026, 1, 6), None, date(2026, 1, 7)]
    assert values(date_value, *texts) == days
    assert values(date_value) == []
    assert values(yuan, None, None) == [None, None]


@given(MOMENTS)
def test_what_a_system_writes_is_read_back(moment: datetime) -> None:
    whole = moment.replace(microsecond=0)
    y, m, d = moment.year, moment.month, moment.day
    clock, half = whole.time().isoformat(), "上午" if moment.hour < 12 else "下午"
    dates = [f"{y}-{m}-{d}", f"{y}/{m}/{d}", f"{y}.{m:02}.{d:02}", f"{y}年{m}月{d}日"]
    dates += [moment.date().isoformat(), f"{y}{m:02}{d:02}"]
    assert values(date_value, *dates) == [moment.date()] * len(dates)
    texts = [f"{day}{between}{clock}" for day in dates for between in (" ", "T")]
    texts += [f"{dates[3]}{clock}", f"{y}{m:02}{d:02}{clock.replace(':', '')}"]
    texts += [f"{day} {half} {(moment.hour + 11) % 12 + 1}{clock[2:]}" for day in dates]
    texts += [text.translate(FULL_WIDTH) for text in texts]
    assert values(local_time, *texts) == [whole] * len(texts)
    fraction = f"{moment.microsecond:06}"
    assert (
        values(local_time, f"{dates[4]} {clock}.{fraction}", f"{dates[1]} {clock}.{fraction}")
        == [moment] * 2
    )


@given(st.integers(61, 2_958_464), st.integers(0, 10**12 - 1))
def test_day_numbers_are_what_decimal_arithmetic_says(day: int, fraction: int) -> None:
    seconds = (Decimal(fraction) / 10**12 * 86_400).quantize(Decimal(1), ROUND_HALF_UP)
    expected = at("1899-12-30") + timedelta(days=day, seconds=int(seconds))
    assert values(serial_time, f"{day}.{fraction:012}") == [expected]
    assert values(serial_date, str(day)) == [date(1899, 12, 30) + timedelta(days=day)]


@given(st.integers(-BIGGEST - 1, BIGGEST))
def test_amounts_are_exact_to_the_last_fen(amount: int) -> None:
    sign, size = ("-" if amount < 0 else ""), Decimal(abs(amount)).scaleb(-2)
    texts = [f"{sign}{size:.2f}", f"{sign}{size:,.2f}", f"{sign}¥{size:,.2f}", f"¥{sign}{size:.2f}"]
    texts += [f"({size:,.2f})", f"{size:,.2f}-"] if sign else [f"+{size:.2f}"]
    texts += [text.translate(FULL_WIDTH) for text in texts]
    assert values(yuan, *texts) == [amount] * len(texts)
    assert values(whole_number, f"{amount}", f"{amount:,}") == [amount] * 2


SLOW_NUMBER = re.compile(
    r"(?:[0-9]+|[0-9]{1,3}(?:,[0-9]{3})+)(?:\.(?:[0-9]{1,2}|[0-9]{2}0{2,}))?", re.ASCII
)


def slow_fen(text: str) -> int | None:
    """The same rule once more in plain Python and decimals."""
    text = re.sub(r"^([-+(]?)¥ ?", r"\1", text)
    marks = [(text[1:], text[:1] == "-")] if text[:1] in ("-", "+") else [(text, False)]
    marks += [(text[:-1], True)] * text.endswith("-")
    marks += [(text[1:-1], True)] * (text.startswith("(") and text.endswith(")"))
    for number, is_negative in marks:
        if SLOW_NUMBER.fullmatch(number):
            amount = int(Decimal(number.replace(",", "")) * 100) * (-1 if is_negative else 1)
            return amount if -BIGGEST - 1 <= amount <= BIGGEST else None
    return None


@given(st.lists(st.text("0123456789,.-+()¥ e", max_size=24), max_size=20))
def test_amounts_are_what_the_slow_reading_says(texts: list[str]) -> None:
    assert values(yuan, *texts) == [slow_fen(text) for text in texts]


@given(st.lists(st.text(max_size=24) | st.text("0123456789-/.:T 年月日上下午", max_size=24)))
def test_no_text_can_make_a_reader_fail(texts: list[str]) -> None:
    for read in (date_value, local_time, serial_date, serial_time, whole_number, yuan):
        assert len(values(read, *texts)) == len(texts)


ZONES = ("Asia/Shanghai", "America/New_York", "Australia/Lord_Howe", "UTC")


@given(
    st.sampled_from(ZONES),
    st.datetimes(datetime(1985, 1, 1), datetime(2030, 1, 1)),
    st.lists(st.none() | st.integers(-200_000, 200_000), max_size=40),
    st.booleans(),
)
def test_local_times_become_utc_in_many_as_they_would_one_by_one(
    zone: str, start: datetime, minutes: list[int | None], are_many: bool
) -> None:
    local = [None if each is None else start + timedelta(minutes=each) for each in minutes]
    local += [start] * (10_000 if are_many else 0)
    found = pl.DataFrame({"at": pl.Series(local, dtype=pl.Datetime("us"))}).select(
        utc(pl.col("at"), zone)
    )
    expected = [None if moment is None else in_utc(moment, zone) for moment in local]
    assert found["at"].to_list() == expected


def in_utc(local: datetime, zone: str) -> datetime | None:
    """The first of an hour that comes twice, None in an hour that the clocks leave out."""
    moment = local.replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)
    comes = moment.astimezone(ZoneInfo(zone)).replace(tzinfo=None) == local
    return moment.replace(tzinfo=None) if comes else None


@pytest.mark.parametrize(
    ("local", "expected"),
    [
        ("1986-05-04 01:59:59", "1986-05-03 17:59:59"),  # Shanghai before its summer time
        ("1986-05-04 02:00:00", None),
        ("1986-05-04 03:00:00", "1986-05-03 18:00:00"),
        ("1986-09-14 01:00:00", "1986-09-13 16:00:00"),  # the first of two
        ("1986-09-14 02:00:00", "1986-09-13 18:00:00"),
    ],
)
def test_an_hour_left_out_is_none_and_of_two_the_first_counts(
    local: str, expected: str | None
) -> None:
    column = pl.Series("at", [datetime.fromisoformat(local)], dtype=pl.Datetime("us"))
    [found] = column.to_frame().select(utc(pl.col("at"), "Asia/Shanghai")).to_series().to_list()
    assert found == (None if expected is None else datetime.fromisoformat(expected))
