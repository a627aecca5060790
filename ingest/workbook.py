"""Reads one sheet of an Excel workbook (.xlsx) row by row, as texts; nothing is guessed.

Numbers are the decimals that Excel holds, whatever the format rounds them to; dates are ISO texts,
formulas the value that was saved. A cell that holds no value to be trusted is an `Unfit` text, so
that its row can be put aside.
Memory does not grow with the rows, only with the texts that cells share.

The parts are read by expat. OPC forbids document types; refused, there is no entity to expand.
"""

import posixpath
import re
import zipfile
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from typing import BinaryIO
from xml.parsers import expat

from ingest.containers import Limits, Meter, member_pieces, open_archive, refused
from ingest.core.errors import one_line

Cells = list[str | None]
Attributes = dict[str, str]

OLE_MAGIC, ZIP_MAGIC = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", b"PK"
TOKEN_BYTES = 1 << 20  # a tag that does not end is read again with each piece
DEPTH = 64  # elements within each other; sheets need eight
NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]{1,4})?")
PLAIN = re.compile(r"-?[0-9]+(?:\.[0-9]+)?")
DIGITS = 15  # as many as Excel keeps of what is typed
LOST_FROM = 1e15  # whole numbers with more digits than that
ROUNDED_BELOW = 1e11  # from here on 15 digits might hide part of a fen: the number stays as stored
ESCAPED = re.compile(r"_x(?!D[89A-F])([0-9A-F]{4})_", re.I)
BOOLEANS = {"1": "true", "0": "false", "true": "true", "false": "false"}
DATE, DATE_TIME, TIME = "date", "date and time", "time"
BUILT_IN_FORMATS = {
    **dict.fromkeys([14, 15, 16, 17, *range(27, 32), 36, *range(50, 55), 57, 58], DATE),
    **dict.fromkeys([22], DATE_TIME),
    **dict.fromkeys([*range(18, 22), *range(32, 36), 45, 47, 55, 56], TIME),
}
# What a number format shows as it stands: quoted, escaped, padding, colours, conditions, locales.
SHOWN_AS_IS = re.compile(
    r'"[^"]*"|\\.|[_*].|\[(?!(?:h+|m+|s+)\])[^\]]*\]|AM/PM|A/P|General', re.I | re.S
)
FRACTION_OF_SECOND = re.compile(r"s\.0+")
NO_DATE = re.compile(r"[0#?\[]|e[+-]")  # digits, exponents, and hours beyond 24: a duration
ISO = re.compile(r"\d{4}-\d\d-\d\d(?:T\d\d:\d\d:\d\d(?:\.\d{1,9})?)?", re.A)
MILLISECONDS_A_DAY = 86_400_000
LAST_DAY = datetime(9999, 12, 31)
EPOCH_1900, EPOCH_1904 = datetime(1899, 12, 30), datetime(1904, 1, 1)
NO_DAY = 60  # 29 February 1900, which Excel counts and the calendar does not have


@dataclass(frozen=True)
class SheetLimits(Limits):
    """What a workbook may cost; `rows` and `columns` count from the sheet's first one."""

    packed_bytes: int = 512 << 20
    unpacked_bytes: int = 4 << 30
    members: int = 1_000
    part_bytes: int = 16 << 20
    shared_bytes: int = 256 << 20
    rows: int = 1_048_576
    columns: int = 1_024
    cell_characters: int = 32_767


SHEET_LIMITS = SheetLimits()


class Unfit(str):
    """Text of a cell that holds no value to be trusted, and the rule that it breaks.

    Rules: cell_error (#N/A and its like), digits_lost (more than Excel keeps), not_a_date,
    not_a_number, no_saved_value (a formula never calculated; its text follows `=`).
    """

    rule: str

    def __new__(cls, text: str, rule: str) -> "Unfit":
        """Text and rule."""
        unfit = super().__new__(cls, text)
        unfit.rule = rule
        return unfit


def sheet_rows(
    stream: BinaryIO, path: Path, sheet: str | None = None, limits: SheetLimits = SHEET_LIMITS
) -> Iterator[Cells]:
    """Rows of a sheet: first the header, which is the first row that has a value.

    `stream` holds the workbook and can seek, as that of `opened` can; `path` is for messages. No
    `sheet` means the only one. Hidden rows and sheets are read like others. Each row is as long as
    the header; one with values beyond it is longer. An empty row between others comes as nothing
    but None, those at the end do not come, so the n-th row after the header stands n rows below it.
    Of merged cells the first has the value, the others are None.

    Raises Problem, at the latest behind the last row, if the workbook is damaged, protected, of
    another format or beyond the limits, or has no such sheet.
    """
    head = stream.read(len(OLE_MAGIC))
    if head == OLE_MAGIC:
        reason = "is protected by a password or of the old .xls format, where plain .xlsx is needed"
        raise refused(path, reason)
    if not head.startswith(ZIP_MAGIC):
        raise refused(path, "is no .xlsx workbook")
    meter = Meter(path, limits, stream.seek(0, 2))
    with open_archive(stream, path, limits.members) as archive:
        book = _Book(archive, meter, limits)
        yield from _table(book.rows(sheet))


class _Book:
    """The parts of an open workbook."""

    def __init__(self, archive: zipfile.ZipFile, meter: Meter, limits: SheetLimits) -> None:
        self._archive, self._meter, self._limits, self._path = archive, meter, limits, meter.path
        self._members = {name.filename.lower(): name for name in archive.infolist()}
        books = self._linked("")["officeDocument"]
        if len(books) != 1:
            raise refused(self._path, f"describes {len(books)} workbooks, not one")
        [self._part] = books.values()
        self._parts = self._linked(self._part)

    def rows(self, sheet: str | None) -> Iterator[tuple[int, Cells]]:
        """Number and cells of each row of a sheet that the file describes."""
        found = self._elements(self._part, {("sheets", "sheet"), ("workbook", "workbookPr")})
        sheets = {of.get("name", ""): of.get("id", "") for tag, of in found if tag == "sheet"}
        is_1904 = any(BOOLEANS.get(of.get("date1904", "")) == "true" for _, of in found)
        parts = self._parts["worksheet"]
        names = [name for name, key in sheets.items() if key in parts]
        known = ", ".join(names) or "none"
        if sheet is None and len(names) != 1:
            raise refused(self._path, f"must hold one sheet, or the contract name it ({known})")
        wanted = names[0] if sheet is None else sheet
        if wanted not in names:
            raise refused(self._path, f"has no sheet '{wanted}' (sheets: {known})")
        shared = self._shared()
        values = _Values(shared, self._dates(), EPOCH_1904 if is_1904 else EPOCH_1900)
        handler = _Rows(values, self._limits, self._path)
        for _ in self._parsed(parts[sheets[wanted]], handler):
            yield from handler.rows
            handler.rows.clear()

    def _shared(self) -> Sequence[str]:
        """The texts that cells share."""
        handler = _Shared(self._limits, self._path)
        for part in self._parts["sharedStrings"].values():
            for _ in self._parsed(part, handler, self._limits.shared_bytes):
                pass
        return handler.texts

    def _dates(self) -> Mapping[str, str]:
        """What kind of date the cells of a style hold, by the style's number as cells name it."""
        wanted = {("numFmts", "numFmt"), ("cellXfs", "xf")}
        kinds: dict[str, str | None] = {str(key): kind for key, kind in BUILT_IN_FORMATS.items()}
        styles: list[str] = []
        for part in self._parts["styles"].values():
            for tag, found in self._elements(part, wanted):
                if tag == "numFmt":
                    kinds[found.get("numFmtId", "")] = _kind(found.get("formatCode", ""))
                else:
                    styles.append(found.get("numFmtId", "0"))
        return {str(i): kind for i, style in enumerate(styles) if (kind := kinds.get(style))}

    def _linked(self, part: str) -> Mapping[str, Mapping[str, str]]:
        """Parts to which a part is linked: by the kind of the link, then by its name."""
        folder, name = posixpath.split(part)
        linked: defaultdict[str, dict[str, str]] = defaultdict(dict)
        links = posixpath.join(folder, "_rels", f"{name}.rels")
        for _, link in self._elements(links, {("Relationships", "Relationship")}):
            if link.get("TargetMode") != "External":
                target = posixpath.normpath(posixpath.join("/", folder, link.get("Target", "")))
                kind = link.get("Type", "").rpartition("/")[2]
                linked[kind][link.get("Id", "")] = target.lstrip("/")
        return linked

    def _elements(self, part: str, wanted: set[tuple[str, str]]) -> list[tuple[str, Attributes]]:
        """Elements of a small part by name of parent and own name, in order; no prefixes."""
        handler = _Elements(wanted)
        for _ in self._parsed(part, handler, self._limits.part_bytes):
            pass
        return handler.found

    def _parsed(
        self, part: str, handler: "_Handler", most_bytes: int | None = None
    ) -> Iterator[None]:
        """Let a handler see a part; gives way after each piece, so that its rows can be taken."""
        member = self._members.get(part.lower())
        if member is None:
            raise refused(self._path, f"has no part {part}, so it is no whole workbook")
        parser = expat.ParserCreate()
        parser.buffer_text = True
        parser.StartDoctypeDeclHandler = self._no_doctype
        parser.StartElementHandler = handler.start
        parser.EndElementHandler = handler.end
        parser.CharacterDataHandler = handler.characters
        fed = 0
        try:
            for piece in member_pieces(self._archive, member, self._meter):
                parser.Parse(piece, False)
                fed += len(piece)
                if most_bytes is not None and fed > most_bytes:
                    raise refused(self._path, f"has more than {most_bytes} bytes in {part}")
                if fed - parser.CurrentByteIndex > TOKEN_BYTES or handler.depth > DEPTH:
                    raise refused(self._path, f"has tags without end in {part}")
                handler.check()
                yield
            parser.Parse(b"", True)
            yield
        except (expat.ExpatError, LookupError, ValueError) as error:  # the last two: encodings
            raise refused(self._path, f"has no XML in {part} ({one_line(error)})") from error

    def _no_doctype(self, *_: object) -> None:
        raise refused(self._path, "declares a document type, which workbooks never do")


class _Handler:
    """What expat tells of a part."""

    depth = 0

    def start(self, name: str, attributes: Attributes) -> None:
        """An element begins."""

    def end(self, name: str) -> None:
        """An element ends."""

    def characters(self, text: str) -> None:
        """Some of an element's text."""

    def check(self) -> None:
        """Problem if what is held has grown too large; asked after each piece."""


class _Elements(_Handler):
    """Collects the elements that are wanted, by name of parent and own name."""

    def __init__(self, wanted: set[tuple[str, str]]) -> None:
        self.found: list[tuple[str, Attributes]] = []
        self._wanted, self._within = wanted, [""]

    def start(self, name: str, attributes: Attributes) -> None:
        tag, parent = _bare(name), self._within[-1]
        if (parent, tag) in self._wanted:
            plain = {_bare(key): text for key, text in attributes.items() if key[:5] != "xmlns"}
            self.found.append((tag, plain))
        self._within.append(tag)
        self.depth += 1

    def end(self, name: str) -> None:
        self._within.pop()
        self.depth -= 1


class _Texts(_Handler):
    """Gathers the text of `t` elements, whole or in runs of other looks, but no readings."""

    def __init__(self, limits: SheetLimits, path: Path) -> None:
        self._limits, self._path = limits, path
        self._text = ""
        self._is_open = self._is_reading = False

    def characters(self, text: str) -> None:
        if self._is_open:
            self._text += text

    def check(self) -> None:
        most = self._limits.cell_characters
        if len(self._text) > most:
            raise refused(self._path, f"has a text of more than {most} characters")

    def _taken(self) -> str:
        """The text that has ended; Problem if no cell of Excel could hold it."""
        if len(self._text) > self._limits.cell_characters:
            self.check()
        text, self._text, self._is_open = self._text, "", False
        return text

    def _start_run(self, tag: str) -> None:
        if tag == "rPh":
            self._is_reading = True
        elif tag == "t":
            self._is_open = not self._is_reading

    def _end_run(self, tag: str) -> None:
        if tag == "rPh":
            self._is_reading = False
        elif tag == "t":
            self._is_open = False


class _Shared(_Texts):
    """Collects the texts that cells share."""

    def __init__(self, limits: SheetLimits, path: Path) -> None:
        super().__init__(limits, path)
        self.texts: list[str] = []

    def start(self, name: str, attributes: Attributes) -> None:
        self.depth += 1
        self._start_run(_bare(name))

    def end(self, name: str) -> None:
        self.depth -= 1
        tag = _bare(name)
        if tag == "si":
            self.texts.append(_unescaped(self._taken()))
        else:
            self._end_run(tag)


class _Rows(_Texts):
    """Collects rows until they are taken: number of the row in the sheet, and its cells."""

    def __init__(self, values: "_Values", limits: SheetLimits, path: Path) -> None:
        super().__init__(limits, path)
        self.rows: list[tuple[int, Cells]] = []
        self._values, self._tags = values, dict[str, str]()
        self._columns = {_letters(index): index for index in range(limits.columns)}
        self._number, self._cells = 0, Cells()
        self._cell: Attributes = {}
        self._value: str | None = None
        self._formula: str | None = None

    def start(self, name: str, attributes: Attributes) -> None:
        self.depth += 1
        if not self._tags:  # the root tells the prefix of all
            prefix = name[: -len(_bare(name))]
            self._tags = {prefix + tag: tag for tag in ("row", "c", "v", "f", "is", "t", "rPh")}
        tag = self._tags.get(name)
        if tag == "c":
            self._cell, self._value, self._formula, self._text = attributes, None, None, ""
        elif tag in ("v", "f"):
            self._text, self._is_open = "", True
        elif tag == "row":
            self._start_row(attributes.get("r"))
        elif tag:
            self._start_run(tag)

    def end(self, name: str) -> None:
        self.depth -= 1
        tag = self._tags.get(name)
        if tag == "c":
            self._place()
        elif tag in ("v", "is"):
            self._value = self._taken()
        elif tag == "f":
            self._formula = self._taken()
        elif tag == "row":
            self.rows.append((self._number, self._cells))
            self._cells = []
        elif tag:
            self._end_run(tag)

    def _start_row(self, written: str | None) -> None:
        number = self._number + 1 if written is None else _whole(written)
        if number is None or number <= self._number:
            raise refused(self._path, f"has a row '{written}' behind row {self._number}")
        if number > self._limits.rows:
            raise refused(self._path, f"has a row {number}, {self._limits.rows} are allowed")
        self._number, self._cells = number, []

    def _place(self) -> None:
        """Put a cell that has ended where it belongs in its row."""
        cells, name = self._cells, self._cell.get("r")
        gap = self._column(name) - len(cells) if name else 0
        where = name or f"{len(cells) + 1} of row {self._number}"
        if gap < 0 or len(cells) >= self._limits.columns:
            raise refused(self._path, f"has the cell {where} at no place of its own")
        if gap:
            cells.extend([None] * gap)
        try:
            cells.append(self._values.text(self._cell, self._value, self._formula))
        except (LookupError, ValueError):
            raise refused(self._path, f"has a cell {where} that cannot be read") from None

    def _column(self, name: str) -> int:
        column = self._columns.get(name.rstrip("0123456789"))
        if column is None:
            most = self._limits.columns
            raise refused(self._path, f"has a cell {name}, {most} columns are allowed")
        return column


@dataclass(frozen=True)
class _Values:
    """How the values of a workbook's cells are read."""

    shared: Sequence[str]
    dates: Mapping[str, str]
    epoch: datetime

    def text(self, cell: Attributes, value: str | None, formula: str | None) -> str | None:
        """Text of a cell, None if it is empty; LookupError or ValueError if it is no cell."""
        kind = cell.get("t", "n")
        if formula is not None and (value is None or (not value and kind != "str")):
            return Unfit(f"={formula}", "no_saved_value")
        if not value:
            return None
        if kind == "s":
            if not value.isdecimal():
                raise ValueError(value)
            return self.shared[int(value)] or None
        if kind == "n":
            text = value.strip()
            if not NUMBER.fullmatch(text):
                return Unfit(text, "not_a_number")
            date_kind = self.dates.get(cell.get("s", "0"))
            return _moment(text, date_kind, self.epoch) if date_kind else _number(text)
        if kind in ("str", "inlineStr"):
            return _unescaped(value)
        if kind == "b":
            return BOOLEANS[value]
        if kind == "e":
            return Unfit(value, "cell_error")
        if kind == "d":
            return _written_moment(value)
        raise ValueError(kind)


def _table(rows: Iterator[tuple[int, Cells]]) -> Iterator[Cells]:
    """Rows as long as the header; gaps between rows filled, empty rows at either end left out."""
    width, last = 0, 0
    for number, cells in rows:
        while cells and cells[-1] is None:
            cells.pop()
        if not cells:
            continue
        width = width or len(cells)
        if last:
            yield from (Cells([None]) * width for _ in range(number - last - 1))
        cells.extend([None] * (width - len(cells)))
        yield cells
        last = number


def _number(text: str) -> str:
    """A number as Excel holds it, in full: 15 digits and no exponent."""
    if len(text) <= DIGITS and PLAIN.fullmatch(text):
        return text
    value = float(text)  # Excel writes 17 digits of its doubles, so 39.9 comes as 39.8999…
    if abs(value) >= LOST_FROM:
        return Unfit(text, "digits_lost")
    kept = f"{value:.{DIGITS}g}" if abs(value) < ROUNDED_BELOW else repr(value)
    return f"{Decimal(kept):f}".removesuffix(".0")


def _moment(text: str, kind: str, epoch: datetime) -> str:
    """ISO text of a date that Excel holds as a count of days, to the millisecond."""
    days = float(text)
    if not 0 <= days <= (LAST_DAY - epoch).days + 1:
        return Unfit(text, "not_a_date")
    milliseconds = round(days * MILLISECONDS_A_DAY)
    day, rest = divmod(milliseconds, MILLISECONDS_A_DAY)
    clock = _clock(rest)
    if kind == TIME and day == 0:
        return clock
    if epoch == EPOCH_1900:
        if day in (0, NO_DAY):
            return Unfit(text, "not_a_date")
        day += day < NO_DAY
    if day > (LAST_DAY - epoch).days:
        return Unfit(text, "not_a_date")
    date_text = _date(epoch, day)
    return date_text if kind == DATE and rest == 0 else f"{date_text} {clock}"


@lru_cache(maxsize=4096)  # the days of a file are few, its rows many
def _date(epoch: datetime, day: int) -> str:
    return (epoch + timedelta(days=day)).date().isoformat()


def _clock(milliseconds: int) -> str:
    """Time of day from milliseconds since midnight; without them if there are none."""
    seconds, rest = divmod(milliseconds, 1_000)
    text = f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"
    return f"{text}.{rest:03d}" if rest else text


def _written_moment(text: str) -> str:
    """A date that the file holds as ISO text, as other dates come."""
    return text.replace("T", " ") if ISO.fullmatch(text) else Unfit(text, "not_a_date")


def _kind(number_format: str) -> str | None:
    """What kind of date cells of a number format show; None if they show no date."""
    shown = SHOWN_AS_IS.sub("", number_format).partition(";")[0].lower()
    shown = FRACTION_OF_SECOND.sub("s", shown)
    if NO_DATE.search(shown):
        return None
    has_time = "h" in shown or "s" in shown
    has_date = "y" in shown or "d" in shown or "e" in shown or ("m" in shown and not has_time)
    if has_date:
        return DATE_TIME if has_time else DATE
    return TIME if has_time else None


def _unescaped(text: str) -> str:
    """Text with the characters that Excel writes as _x000D_ and the like."""
    return ESCAPED.sub(lambda found: chr(int(found[1], 16)), text) if "_x" in text else text


def _bare(name: str) -> str:
    """A name without its prefix."""
    return name.rpartition(":")[2]


def _letters(index: int) -> str:
    """Name of a column from its number, A for 0."""
    letters = ""
    while index >= 0:
        index, letter = divmod(index, 26)
        letters = chr(ord("A") + letter) + letters
        index -= 1
    return letters


def _whole(text: str) -> int | None:
    return int(text) if text.isdecimal() and len(text) <= DIGITS else None
