"""The typed value of a text: dates, times, amounts and whole numbers as systems write them.

Every function takes a text column and gives its values; NULL where a text says no value, or says
it in a way that could be read in two ways (2/3/2026, 1,23): nothing is guessed, such a row goes to
quarantine. The plain form is tried on the whole column, any other form only on the texts that are
left, so a column of plain texts does not pay for the others.

Dates are year, month, day: as ISO 8601 writes them, as Chinese does, or with the separators of
office programs. Full-width signs count as their narrow ones, but nothing else that merely looks
like a digit. Years have four digits and begin in 1000: 0001-01-01 is how some systems write "none".
"""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

import polars as pl

Reader = Callable[[pl.Expr], pl.Expr]
MOMENT_TYPE = pl.Datetime("us")

DAYS = (
    (r"^[1-9][0-9]{3}-[0-9]{1,2}-[0-9]{1,2}$", "%Y-%m-%d"),
    (r"^[1-9][0-9]{3}/[0-9]{1,2}/[0-9]{1,2}$", "%Y/%m/%d"),
    (r"^[1-9][0-9]{7}$", "%Y%m%d"),
    (r"^[1-9][0-9]{3}年[0-9]{1,2}月[0-9]{1,2}日$", "%Y年%m月%d日"),
    (r"^[1-9][0-9]{3}\.[0-9]{1,2}\.[0-9]{1,2}$", "%Y.%m.%d"),
)
# Moments as machines write them, and with a fraction of a second; all others are taken to pieces.
MOMENTS = (
    (r"^[1-9][0-9]{3}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-5][0-9]$", "%Y-%m-%d %H:%M:%S"),
    (r"^[1-9][0-9]{3}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-5][0-9]$", "%Y-%m-%dT%H:%M:%S"),
    (r"^[1-9][0-9]{3}/[0-9]{2}/[0-9]{2} [0-9]{2}:[0-9]{2}:[0-5][0-9]$", "%Y/%m/%d %H:%M:%S"),
    (r"^[1-9][0-9]{11}[0-5][0-9]$", "%Y%m%d%H%M%S"),
)
FRACTION = r"^[1-9][0-9]{3}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-5][0-9]\.[0-9]{1,9}$"
MOMENT = (
    r"^(?P<day>[1-9][0-9]{3}[-/.0-9年月]{4,6}日[T ]?|[1-9][0-9]{3}[-/.0-9]{4,6}[T ]) *"
    r"(?P<half>上午|下午)? ?(?P<hour>[0-9]{1,2}):(?P<minute>[0-5][0-9])"
    r"(?::(?P<second>[0-5][0-9])(?:\.(?P<fraction>[0-9]{1,9}))?)?$"
)
MIDNIGHT = r"[T ]0?0:00(:00(\.0{1,9})?)?$"
SERIAL = r"^(?P<number>[0-9]{1,7})(?:\.(?P<fraction>[0-9]+))?$"
WHOLE = r"^-?[0-9]{1,19}$"
YUAN = r"^-?[0-9]{1,17}(\.([0-9]{1,2}|[0-9]{2}0{2,}))?$"  # 0.02000: too long to group thousands
DECIMAL = r"^-?[0-9]{1,11}(\.[0-9]{1,6})?$"
HALF_FEN = 5 * 10**9  # in millionths of millionths
NUMBER = r"([0-9]+|[0-9]{1,3}(,[0-9]{3})+)(\.[0-9]+)?"
POSITIVE = rf"^\+?{NUMBER}$"
NEGATIVE = rf"^(-{NUMBER}|{NUMBER}-|\({NUMBER}\))$"
FALSE_LEAP_DAY = 60
LAST_SERIAL = 2_958_465  # 9999-12-31
DAY_SECONDS = 86_400
FRACTION_DIGITS = 12  # what a double still holds beside a day number of our time
NARROW = {chr(code + 0xFEE0): chr(code) for code in range(0x21, 0x7F)}
NARROW |= {"\u3000": " ", "￥": "¥", "−": "-"}


def date_value(text: pl.Expr, *, excel_serial: bool = False) -> pl.Expr:
    """The date of 2026-01-05, 2026-1-5, 2026/1/5, 2026.01.05, 2026年1月5日 or 20260105.

    A clock behind it is let pass if it shows midnight: so databases and Excel export dates.
    `excel_serial` reads day numbers of Excel too.
    """
    days = [_formed(*form, pl.Date()) for form in DAYS]

    def bare_day(rest: pl.Expr) -> pl.Expr:
        return _in_turn(_narrow(rest).str.replace(MIDNIGHT, ""), pl.Date(), days)

    return _in_turn(text, pl.Date(), [*days, bare_day, *[_serial_date] * excel_serial])


def local_time(text: pl.Expr, *, excel_serial: bool = False) -> pl.Expr:
    """The time without zone, in microseconds, of a date in any form of `date_value` and a clock.

    T or blanks are between them, or nothing after 日. The clock is 8:30, 08:30:00 or 08:30:00.123,
    with 上午 or 下午 in front one of twelve hours; 20260105083000 needs neither. `excel_serial`
    reads day numbers of Excel with their fraction of a day too, to the nearest second.
    """
    first, *others = (_formed(*form, MOMENT_TYPE) for form in MOMENTS)
    moments = [first, _time_with_fraction, *others]

    def any_moment(rest: pl.Expr) -> pl.Expr:
        return _in_turn(_narrow(rest), MOMENT_TYPE, [*moments, _pieced_time])

    return _in_turn(text, MOMENT_TYPE, [*moments, any_moment, *[_serial_time] * excel_serial])


def utc(local: pl.Expr, time_zone: str) -> pl.Expr:
    """UTC, without a zone, of local times; of an hour that comes twice the first, NULL for an hour
    that the clocks leave out.
    """
    return local.map_batches(lambda times: _in_utc(times, time_zone), return_dtype=MOMENT_TYPE)


def whole_number(text: pl.Expr) -> pl.Expr:
    """The integer of 1234, +1234, 1,234, or as a negative one -1234, 1234- and (1234).

    NULL beyond 64 bits.
    """
    return _in_turn(text, pl.Int64(), [_plain_whole, _signed(_plain_whole, _narrow)])


def fen(text: pl.Expr, unit: str) -> pl.Expr:
    """Exact fen of an amount whose unit in the file is "yuan" or "fen"; NULL beyond 64 bits.

    Forms are those of `whole_number`, also with ¥ in front; yuan have at most two decimals, and
    behind them nothing, or two or more zeros.
    """
    plain = _yuan_in_fen if unit == "yuan" else _plain_whole
    return _in_turn(text, pl.Int64(), [plain, _signed(plain, _without_yen)])


def product(left: pl.Expr, right: pl.Expr) -> pl.Expr:
    """Text of the product of two plain decimals, in yuan: half a fen and more is rounded away from
    zero; NULL where one of them is none, or has more than six decimals.
    """
    millionths = [
        _matching(text, DECIMAL).cast(pl.Decimal(38, 6), strict=False).to_physical()
        for text in (left, right)
    ]
    exact = millionths[0] * millionths[1]
    fen_value = exact.sign() * ((exact.abs() + HALF_FEN) // (2 * HALF_FEN))
    return (fen_value.cast(pl.Decimal(38, 2)) / 100).cast(pl.String)


def _in_utc(times: pl.Series, time_zone: str) -> pl.Series:
    first, last = times.min(), times.max()
    if isinstance(first, datetime) and isinstance(last, datetime):
        hour = timedelta(hours=1)
        hours = pl.datetime_range(first - hour, last + hour, hour, eager=True)
        if len(hours) < len(times):  # asking the zone for each hour is cheaper than for each row
            offsets = (_each_in_utc(hours, time_zone) - hours).unique()
            if len(offsets) == 1:
                moved: pl.Series = times + offsets.item()
                return moved
    return _each_in_utc(times, time_zone)


def _each_in_utc(times: pl.Series, time_zone: str) -> pl.Series:
    zoned = times.dt.replace_time_zone(time_zone, ambiguous="earliest", non_existent="null")
    return zoned.dt.convert_time_zone("UTC").dt.replace_time_zone(None)


def _in_turn(text: pl.Expr, kind: pl.DataType, readers: Sequence[Reader]) -> pl.Expr:
    """What the first reader makes of each text; later ones see only texts that none has read."""

    def read(texts: pl.Series) -> pl.Series:
        column = pl.col(texts.name)
        values = texts.to_frame().select(readers[0](column)).to_series()
        for reader in readers[1:]:
            rest = values.is_null() & texts.is_not_null()
            if not rest.any():
                break
            found = texts.filter(rest).to_frame().select(reader(column)).to_series()
            values = values.scatter(rest.arg_true(), found)
        return values

    return text.map_batches(read, return_dtype=kind)


def _narrow(text: pl.Expr) -> pl.Expr:
    return text.str.replace_many(NARROW)


def _matching(text: pl.Expr, pattern: str) -> pl.Expr:
    return pl.when(text.str.contains(pattern)).then(text)


def _formed(pattern: str, form: str, kind: pl.Date | pl.Datetime) -> Reader:
    """A reader of texts that match a pattern, by the format that belongs to it."""
    return lambda text: _matching(text, pattern).str.strptime(kind, form, strict=False)


def _time_with_fraction(text: pl.Expr) -> pl.Expr:
    text = _matching(text, FRACTION)
    whole = text.str.slice(0, 19).str.strptime(MOMENT_TYPE, MOMENTS[0][1], strict=False)
    return whole + _microseconds(text.str.slice(20))


def _microseconds(decimals: pl.Expr) -> pl.Expr:
    micros = decimals.str.slice(0, 6).str.pad_end(6, "0").cast(pl.Int64)
    return pl.duration(microseconds=micros)


def _from_pieces(
    text: pl.Expr, pattern: str, kind: pl.DataType, add_up: Callable[[], pl.Expr]
) -> pl.Expr:
    """What `add_up` makes of the named groups of a pattern; they are its columns."""

    def read(groups: pl.Series) -> pl.Series:
        return groups.struct.unnest().select(add_up()).to_series()

    return text.str.extract_groups(pattern).map_batches(read, return_dtype=kind)


def _pieced_time(text: pl.Expr) -> pl.Expr:
    return _from_pieces(text, MOMENT, MOMENT_TYPE, _moment)


def _moment() -> pl.Expr:
    """Time of a day and the parts of a clock; 上午12:00 is midnight and 下午12:00 noon."""
    half, hour = pl.col("half"), pl.col("hour").cast(pl.Int64)
    is_readable = pl.when(half.is_null()).then(hour < 24).otherwise(hour.is_between(1, 12))
    hours = pl.when(half.is_null()).then(hour).otherwise(hour % 12 + 12 * (half == "下午"))
    clock = pl.duration(
        hours=hours,
        minutes=pl.col("minute").cast(pl.Int64),
        seconds=pl.col("second").cast(pl.Int64).fill_null(0),
    )
    day = date_value(pl.col("day").str.strip_chars_end("T ")).cast(MOMENT_TYPE)
    return pl.when(is_readable).then(day + clock + _microseconds(pl.col("fraction").fill_null("")))


def _serial_date(text: pl.Expr) -> pl.Expr:
    return _from_pieces(_narrow(text), SERIAL, pl.Date(), _whole_serial_day)


def _serial_time(text: pl.Expr) -> pl.Expr:
    return _from_pieces(_narrow(text), SERIAL, MOMENT_TYPE, _serial_moment)


def _serial_day() -> pl.Expr:
    """Day of an Excel serial number of the 1900 system.

    Microsoft's "1900 date system" (kept in ISO/IEC 29500-1, 18.17.4.1): 1 is 1900-01-01, and 60 the
    29 February 1900 that never was, so from 61 on the count runs one ahead.
    """
    number = pl.col("number").cast(pl.Int64)
    is_day = number.is_between(1, LAST_SERIAL) & (number != FALSE_LEAP_DAY)
    days = number - (number > FALSE_LEAP_DAY).cast(pl.Int64)
    return pl.when(is_day).then(pl.datetime(1899, 12, 31) + pl.duration(days=days))


def _whole_serial_day() -> pl.Expr:
    is_whole = pl.col("fraction").fill_null("0").str.contains("^0+$")
    return pl.when(is_whole).then(_serial_day().cast(pl.Date))


def _serial_moment() -> pl.Expr:
    decimals = pl.col("fraction").fill_null("").str.slice(0, FRACTION_DIGITS)
    fraction, whole = decimals.str.pad_end(FRACTION_DIGITS, "0").cast(pl.Int64), 10**FRACTION_DIGITS
    seconds = (fraction * DAY_SECONDS + whole // 2) // whole
    moment = _serial_day() + pl.duration(seconds=seconds)
    return pl.when(moment.dt.year() < 10_000).then(moment)


def _plain_whole(text: pl.Expr) -> pl.Expr:
    return _matching(text, WHOLE).cast(pl.Int64, strict=False)


def _yuan_in_fen(text: pl.Expr) -> pl.Expr:
    """Fen are the digits of a decimal with two places: no arithmetic, so nothing can be lost."""
    exact = _matching(text, YUAN).cast(pl.Decimal(38, 2), strict=False)
    return exact.to_physical().cast(pl.Int64, strict=False)


def _without_yen(text: pl.Expr) -> pl.Expr:
    return _narrow(text).str.replace(r"^([-+(]?)¥ ?", "${1}")


def _signed(plain: Reader, cleaned: Reader) -> Reader:
    """A reader of numbers with commas and signs, by the reader of plain numbers."""
    return lambda text: _in_turn(cleaned(text), pl.Int64(), [lambda rest: plain(_plain_sign(rest))])


def _plain_sign(text: pl.Expr) -> pl.Expr:
    """A number without grouping commas, its minus in front; NULL if it is written in no known way.

    Minus signs behind and brackets around are how accounts mark credits.
    """
    digits = text.str.replace_all(r"[^0-9.]", "")
    is_negative = text.str.contains(NEGATIVE)
    return pl.when(is_negative).then("-" + digits).when(text.str.contains(POSITIVE)).then(digits)
