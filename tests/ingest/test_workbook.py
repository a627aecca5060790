"""One sheet of a workbook as rows of texts: exact values, and nothing that could hurt."""

import contextlib
import io
import tracemalloc
import zipfile
from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path

import openpyxl
import pytest
import xlsxwriter
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.core.errors import Problem
from ingest.workbook import SHEET_LIMITS, Cells, SheetLimits, Unfit, sheet_rows

PATH = Path("会员.xlsx")
MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
LINKS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
SMALL = settings(max_examples=10)


def rows_of(data: bytes, sheet: str | None = None, **limits: int) -> list[Cells]:
    return list(sheet_rows(io.BytesIO(data), PATH, sheet, SheetLimits(**limits)))


def refusal(data: bytes, sheet: str | None = None, **limits: int) -> str:
    with pytest.raises(Problem) as caught:
        rows_of(data, sheet, **limits)
    message = str(caught.value)
    assert message.startswith("会员.xlsx ")
    assert message.endswith("; the file was refused, ask for it again")
    assert "\n" not in message
    return message


def relations(**targets: str) -> str:
    found = "".join(
        f'<Relationship Id="{key}" Type="{LINKS}/{target.split("|")[0]}" '
        f'Target="{target.split("|")[1]}"/>'
        for key, target in targets.items()
    )
    return f'<Relationships xmlns="urn:any">{found}</Relationships>'


def workbook(
    body: str,
    shared: str | None = None,
    formats: str | None = None,
    properties: str = "",
    parts: Mapping[str, str | bytes] | None = None,
) -> bytes:
    """A workbook of one sheet from raw XML: rows, shared texts, and styles."""
    kinds = {"s": "worksheet|worksheets/sheet1.xml"}
    kinds |= {} if shared is None else {"t": "sharedStrings|sharedStrings.xml"}
    kinds |= {} if formats is None else {"f": "styles|/xl/styles.xml"}
    content = {
        "_rels/.rels": relations(w="officeDocument|xl/workbook.xml"),
        "xl/_rels/workbook.xml.rels": relations(**kinds),
        "xl/workbook.xml": f'<workbook xmlns="{MAIN}" xmlns:r="{LINKS}">{properties}<sheets>'
        '<sheet name="会员" sheetId="1" r:id="s"/></sheets></workbook>',
        "xl/worksheets/sheet1.xml": f'<worksheet xmlns="{MAIN}"><sheetData>{body}</sheetData>'
        "</worksheet>",
        "xl/sharedStrings.xml": f'<sst xmlns="{MAIN}">{shared}</sst>',
        "xl/styles.xml": f'<styleSheet xmlns="{MAIN}">{formats}</styleSheet>',
    } | dict(parts or {})
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in content.items():
            archive.writestr(name, text)
    return buffer.getvalue()


def text_cell(text: str) -> str:
    return f'<c t="inlineStr"><is><t>{text}</t></is></c>'


HEADER = f"<row>{text_cell('a')}{text_cell('b')}</row>"


def value(cell: str, **parts: str) -> str | None:
    """What one cell says."""
    [_, row] = rows_of(workbook(f"{HEADER}<row>{cell}{text_cell('x')}</row>", **parts))
    assert row[1] == "x"
    return row[0]


def written(*rows: list[object], **options: object) -> bytes:
    """A workbook as XlsxWriter writes it."""
    buffer = io.BytesIO()
    with xlsxwriter.Workbook(
        buffer, {"default_date_format": "yyyy-mm-dd hh:mm:ss", **options}
    ) as book:
        sheet = book.add_worksheet("会员")
        for number, row in enumerate(rows):
            for column, cell in enumerate(row):
                sheet.write(number, column, cell)
    return buffer.getvalue()


def test_rows_come_as_texts_with_the_header_first() -> None:
    data = written(
        ["编号", "手机", "金额", "时间", "同意"],
        ["C1", 13800000001, 12.5, datetime(2026, 10, 29, 12, 30), True],
        ["C2", None, -1000000, datetime(2026, 2, 28, 23, 59, 59, 500_000), False],
    )
    assert rows_of(data) == [
        ["编号", "手机", "金额", "时间", "同意"],
        ["C1", "13800000001", "12.5", "2026-10-29 12:30:00", "true"],
        ["C2", None, "-1000000", "2026-02-28 23:59:59.500", "false"],
    ]


def test_texts_written_without_a_shared_list_are_read_alike() -> None:
    rows: list[list[object]] = [["编号", "备注"], ["C1", " 两端 空格 "], ["C2", "<&>\n行"]]
    assert rows_of(written(*rows, in_memory=True)) == rows
    assert rows_of(written(*rows, constant_memory=True)) == rows


def test_a_workbook_of_another_writer_is_read_alike() -> None:
    book = openpyxl.Workbook()
    book.active.append(["编号", "时间", "金额"])
    book.active.append(["C1", datetime(2026, 10, 29, 12, 30), 0.1 + 0.2])
    buffer = io.BytesIO()
    book.save(buffer)
    assert rows_of(buffer.getvalue())[1] == ["C1", "2026-10-29 12:30:00", "0.3"]


def test_a_workbook_with_prefixes_on_every_name_is_read_alike() -> None:
    sheet = (
        f'<x:worksheet xmlns:x="{MAIN}"><x:sheetData><x:row><x:c t="inlineStr"><x:is><x:t>a</x:t>'
        "</x:is></x:c></x:row><x:row><x:c><x:v>1</x:v></x:c></x:row></x:sheetData></x:worksheet>"
    )
    data = workbook("", parts={"xl/worksheets/sheet1.xml": sheet})
    assert rows_of(data) == [["a"], ["1"]]


@pytest.mark.parametrize(
    ("stored", "text"),
    [
        ("12.5", "12.5"),
        ("12.50", "12.50"),
        ("0", "0"),
        ("-3", "-3"),
        ("13800000001", "13800000001"),
        ("123456789012345", "123456789012345"),
        ("39.899999999999999", "39.9"),
        ("1.1000000000000001", "1.1"),
        ("0.30000000000000004", "0.3"),
        ("12345.670000000013", "12345.67"),
        ("1.2E+3", "1200"),
        ("1E-3", "0.001"),
        ("1.5E-7", "0.00000015"),
        ("1.23456789012345E+14", "123456789012345"),
        ("123456789012345.0", "123456789012345"),
        ("99999999999.99001", "99999999999.99"),
        ("123456789012.345", "123456789012.345"),
        ("123456789012.3451", "123456789012.3451"),
        ("-123456789012345", "-123456789012345"),
    ],
)
def test_a_number_is_the_decimal_that_excel_holds(stored: str, text: str) -> None:
    assert value(f"<c><v>{stored}</v></c>") == text
    assert value(f'<c t="n"><v> {stored} </v></c>') == text


@pytest.mark.parametrize(
    "stored",
    ["1000000000000000", "1234567890123456.0", "6.22202020011223E+15", "-1E+15", "1E+999"],
)
def test_a_number_of_more_digits_than_excel_keeps_is_unfit(stored: str) -> None:
    found = value(f"<c><v>{stored}</v></c>")
    assert isinstance(found, Unfit)
    assert (found, found.rule) == (stored, "digits_lost")


@pytest.mark.parametrize("stored", ["abc", "1_000", "nan", "inf", "1,5", "0x1F", "--1", "1E", "."])
def test_what_is_no_number_is_unfit_as_one(stored: str) -> None:
    found = value(f"<c><v>{stored}</v></c>")
    assert isinstance(found, Unfit)
    assert found.rule == "not_a_number"


@SMALL
@given(st.decimals(-(10**10), 10**10, places=2))
def test_every_amount_in_yuan_survives_being_stored_as_a_double(amount: Decimal) -> None:
    stored = f"{float(amount):.17g}"
    found = value(f"<c><v>{stored}</v></c>")
    assert found is not None
    assert Decimal(found) == amount
    assert len(found.partition(".")[2]) <= 2


def styled(number_format: str) -> str:
    code = number_format.replace('"', "&quot;")
    return (
        f'<numFmts><numFmt numFmtId="170" formatCode="{code}"/></numFmts>'
        '<cellStyleXfs><xf numFmtId="14"/></cellStyleXfs>'
        '<cellXfs><xf numFmtId="0"/><xf numFmtId="170"/></cellXfs>'
    )


@pytest.mark.parametrize(
    ("number_format", "text"),
    [
        ("yyyy-mm-dd", "2026-10-29 12:00:00"),
        ("yyyy-mm-dd hh:mm:ss", "2026-10-29 12:00:00"),
        ('[$-804]yyyy"年"m"月"d"日"', "2026-10-29 12:00:00"),
        ("yyyy/m/d;@", "2026-10-29 12:00:00"),
        ("[Red]mmm", "2026-10-29 12:00:00"),
        ("h:mm AM/PM", "2026-10-29 12:00:00"),
        ("mm:ss.000", "2026-10-29 12:00:00"),
        ("[h]:mm", "46324.5"),
        ("General", "46324.5"),
        ("0.00", "46324.5"),
        ("0.0E+00", "46324.5"),
        ('#,##0.00" yd"', "46324.5"),
        ('[Red]0.0\\d;"days" 0', "46324.5"),
        ("@", "46324.5"),
        ("# ?/?", "46324.5"),
    ],
)
def test_a_number_is_a_date_if_its_format_shows_one(number_format: str, text: str) -> None:
    assert value('<c s="1"><v>46324.5</v></c>', formats=styled(number_format)) == text
    assert value('<c s="0"><v>46324.5</v></c>', formats=styled(number_format)) == "46324.5"


@pytest.mark.parametrize(
    ("built_in", "text"),
    [(0, "46324"), (2, "46324"), (14, "2026-10-29"), (22, "2026-10-29 00:00:00"), (49, "46324")],
)
def test_formats_that_every_excel_knows_need_no_description(built_in: int, text: str) -> None:
    formats = f'<cellXfs><xf numFmtId="{built_in}"/></cellXfs>'
    assert value("<c><v>46324</v></c>", formats=formats) == text


@pytest.mark.parametrize(
    ("serial", "is_1904", "text"),
    [
        ("1", False, "1900-01-01"),
        ("59", False, "1900-02-28"),
        ("61", False, "1900-03-01"),
        ("46324", False, "2026-10-29"),
        ("46324.0000000001", False, "2026-10-29"),
        ("46324.999988425923", False, "2026-10-29 23:59:59"),
        ("46324.9999999999", False, "2026-10-30"),
        ("2958465", False, "9999-12-31"),
        ("0", True, "1904-01-01"),
        ("60", True, "1904-03-01"),
        ("44862", True, "2026-10-29"),
        ("2957003", True, "9999-12-31"),
    ],
)
def test_days_are_counted_as_the_workbook_counts_them(
    serial: str, is_1904: bool, text: str
) -> None:
    properties = f'<workbookPr date1904="{int(is_1904)}"/>'
    cell = f'<c s="1"><v>{serial}</v></c>'
    assert value(cell, formats=styled("yyyy-mm-dd"), properties=properties) == text


@pytest.mark.parametrize(
    ("serial", "is_1904"),
    [
        ("0", False),
        ("0.5", False),
        ("60", False),
        ("60.5", False),
        ("-1", False),
        ("2958466", False),
        ("1E+300", False),
        ("-1", True),
        ("2957004", True),
    ],
)
def test_days_that_no_calendar_has_are_unfit(serial: str, is_1904: bool) -> None:
    properties = f'<workbookPr date1904="{"true" if is_1904 else "false"}"/>'
    cell = f'<c s="1"><v>{serial}</v></c>'
    found = value(cell, formats=styled("yyyy-mm-dd"), properties=properties)
    assert isinstance(found, Unfit)
    assert (found, found.rule) == (serial, "not_a_date")


def test_a_time_without_a_day_is_a_time() -> None:
    assert value('<c s="1"><v>0.5</v></c>', formats=styled("hh:mm")) == "12:00:00"
    assert value('<c s="1"><v>1.5</v></c>', formats=styled("hh:mm")) == "1900-01-01 12:00:00"


@SMALL
@given(
    st.integers(0, (datetime(9999, 12, 31) - datetime(1904, 3, 1)) // timedelta(milliseconds=1)),
    st.booleans(),
)
def test_every_moment_survives_being_stored_as_a_double(milliseconds: int, is_1904: bool) -> None:
    moment = datetime(1904 if is_1904 else 1900, 3, 1) + timedelta(milliseconds=milliseconds)
    if moment.year <= 9999:
        data = written(["a"], [moment], date_1904=is_1904)
        expected = moment.isoformat(" ", "milliseconds").removesuffix(".000")
        assert rows_of(data)[1] == [expected]


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        ('<c t="b"><v>1</v></c>', "true"),
        ('<c t="b"><v>0</v></c>', "false"),
        ('<c t="str"><f>A1</f><v>上海</v></c>', "上海"),
        ('<c t="str"><f>A1</f><v></v></c>', None),
        ("<c><f>1+1</f><v>2</v></c>", "2"),
        ('<c t="d"><v>2026-10-29</v></c>', "2026-10-29"),
        ('<c t="d"><v>2026-10-29T12:30:00</v></c>', "2026-10-29 12:30:00"),
        ("<c/>", None),
        ("<c><v/></c>", None),
        ('<c t="inlineStr"><is><t/></is></c>', None),
        ('<c t="inlineStr"><is><r><t>张</t></r><r><t>伟</t></r></is></c>', "张伟"),
        ('<c t="inlineStr"><is><t>a_x000D_b_x005F_x0041_</t></is></c>', "a\rb_x0041_"),
        ('<c t="inlineStr"><is><t>_xD83D_</t></is></c>', "_xD83D_"),
        ('<c t="inlineStr"><is><t>&lt;&#x20BB7;&amp;&gt;</t></is></c>', "<𠮷&>"),
    ],
)
def test_cells_of_each_kind_say_what_they_hold(cell: str, text: str | None) -> None:
    assert value(cell) == text


def test_shared_texts_are_joined_from_their_runs_without_readings() -> None:
    shared = (
        "<si><t>张伟</t></si><si><r><rPr><b/></rPr><t>李</t></r><r><t>娜</t></r>"
        '<rPh sb="0" eb="1"><t>li</t></rPh></si><si><t/></si>'
    )
    assert value('<c t="s"><v>0</v></c>', shared=shared) == "张伟"
    assert value('<c t="s"><v>1</v></c>', shared=shared) == "李娜"
    assert value('<c t="s"><v>2</v></c>', shared=shared) is None
    for wrong in ("3", "-1", "x", "1.0"):
        data = workbook(f'<row><c r="A1" t="s"><v>{wrong}</v></c></row>', shared=shared)
        assert "cell A1 that cannot be read" in refusal(data)


@pytest.mark.parametrize(
    ("cell", "text", "rule"),
    [
        ('<c t="e"><v>#N/A</v></c>', "#N/A", "cell_error"),
        ('<c t="e"><f>A9</f><v>#REF!</v></c>', "#REF!", "cell_error"),
        ("<c><f>A1*2</f></c>", "=A1*2", "no_saved_value"),
        ("<c><f>A1*2</f><v></v></c>", "=A1*2", "no_saved_value"),
        ('<c t="str"><f>A1&amp;"x"</f></c>', '=A1&"x"', "no_saved_value"),
        ('<c t="d"><v>29.10.2026</v></c>', "29.10.2026", "not_a_date"),
    ],
)
def test_a_cell_without_a_value_to_trust_says_why(cell: str, text: str, rule: str) -> None:
    found = value(cell)
    assert isinstance(found, Unfit)
    assert (found, found.rule) == (text, rule)


def test_a_text_that_looks_like_an_error_is_a_text() -> None:
    assert not isinstance(value(text_cell("#N/A")), Unfit)


def test_empty_rows_between_others_are_kept_and_those_at_either_end_are_not() -> None:
    body = (
        '<row r="1"/><row r="3"><c r="B3"><v>1</v></c><c r="C3"/></row><row r="4"/>'
        '<row r="6"><c r="A6"><v>2</v></c></row><row r="7"><c r="A7" s="1"/></row><row r="9"/>'
    )
    assert rows_of(workbook(body)) == [[None, "1"], [None, None], [None, None], ["2", None]]


def test_a_row_with_values_beyond_the_header_is_longer_than_it() -> None:
    body = f"{HEADER}<row><c><v>1</v></c></row><row><c/><c/><c/><c><v>4</v></c><c/></row>"
    assert [len(row) for row in rows_of(workbook(body))] == [2, 2, 4]


def test_of_merged_cells_the_first_has_the_value() -> None:
    buffer = io.BytesIO()
    with xlsxwriter.Workbook(buffer) as book:
        sheet = book.add_worksheet()
        sheet.write_row(0, 0, ["a", "b"])
        sheet.merge_range(1, 0, 2, 1, "one")
        sheet.set_row(1, None, None, {"hidden": True})
    assert rows_of(buffer.getvalue()) == [["a", "b"], ["one", None]]


def test_a_sheet_is_chosen_by_its_name_hidden_or_not() -> None:
    buffer = io.BytesIO()
    with xlsxwriter.Workbook(buffer) as book:
        for name in ("会员", "说明"):
            book.add_worksheet(name).write(0, 0, name)
        book.worksheets()[1].hide()
        chart = book.add_chart({"type": "line"})
        chart.add_series({"values": "=会员!$A$1:$A$1"})
        book.add_chartsheet("图").set_chart(chart)
    data = buffer.getvalue()
    assert rows_of(data, "会员") == [["会员"]]
    assert rows_of(data, "说明") == [["说明"]]
    assert "must hold one sheet, or the contract name it (会员, 说明)" in refusal(data)
    assert "has no sheet '图' (sheets: 会员, 说明)" in refusal(data, "图")


def test_an_empty_sheet_has_no_rows() -> None:
    assert rows_of(written()) == []


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(512), "protected by a password or of the old"),
        (b"a,b\r\n1,2\r\n", "is no .xlsx workbook"),
        (b"", "is no .xlsx workbook"),
        (b"PK\x03\x04 and nothing", "is no whole zip archive"),
    ],
)
def test_other_formats_are_named_as_what_they_are(data: bytes, reason: str) -> None:
    assert reason in refusal(data)


@pytest.mark.parametrize(
    ("parts", "reason"),
    [
        ({"xl/worksheets/sheet1.xml": "<worksheet><sheetData>"}, "has no XML in xl/worksheets"),
        ({"xl/worksheets/sheet1.xml": ""}, "has no XML in xl/worksheets/sheet1.xml"),
        (
            {"_rels/.rels": relations(w="officeDocument|xl/none.xml")},
            "has no part xl/_rels/none.xml.rels",
        ),
        (
            {"_rels/.rels": relations(w="officeDocument|../../a.xml")},
            "has no part _rels/a.xml.rels",
        ),
        ({"_rels/.rels": relations(w="other|xl/workbook.xml")}, "describes 0 workbooks, not one"),
        ({"xl/_rels/workbook.xml.rels": relations()}, "(none)"),
        (
            {"xl/_rels/workbook.xml.rels": relations(s="worksheet|a.xml", t="sharedStrings|b.xml")},
            "has no part xl/b.xml",
        ),
        ({"xl/../../evil": ""}, "could leave its folder"),
        ({"XL/Workbook.xml": ""}, "is there twice"),
    ],
)
def test_a_workbook_that_lacks_a_part_is_refused(parts: dict[str, str], reason: str) -> None:
    assert reason in refusal(workbook(HEADER, parts=parts))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "ascii"])
def test_parts_may_be_in_the_encodings_of_xml(encoding: str) -> None:
    text = "会员" if encoding != "ascii" else "&#x4F1A;&#x5458;"
    body = f"<worksheet><row>{text_cell(text)}</row></worksheet>"
    sheet = f'<?xml version="1.0" encoding="{encoding}"?>{body}'
    parts = {"xl/worksheets/sheet1.xml": sheet.encode(encoding)}
    assert rows_of(workbook("", parts=parts)) == [["会员"]]


@pytest.mark.parametrize("encoding", ["gbk", "gb18030", "klingon", "hex", "punycode"])
def test_parts_in_other_encodings_are_refused(encoding: str) -> None:
    sheet = f'<?xml version="1.0" encoding="{encoding}"?><worksheet><row/></worksheet>'
    message = refusal(workbook("", parts={"xl/worksheets/sheet1.xml": sheet}))
    assert "has no XML in xl/worksheets/sheet1.xml" in message


def test_a_text_that_no_unicode_can_hold_is_refused() -> None:
    assert "has no XML" in refusal(workbook(f"<row>{text_cell('&#xD83D;')}</row>"))


BILLION = (
    '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">'
    '<!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;">]>'
)
EXTERNAL = '<!DOCTYPE x [<!ENTITY c SYSTEM "file:///etc/passwd">]>'


@pytest.mark.parametrize("doctype", [BILLION, EXTERNAL, "<!DOCTYPE worksheet>"])
@pytest.mark.parametrize(
    "part",
    [
        "_rels/.rels",
        "xl/workbook.xml",
        "xl/styles.xml",
        "xl/sharedStrings.xml",
        "xl/worksheets/sheet1.xml",
    ],
)
def test_no_part_may_declare_entities_or_any_document_type(doctype: str, part: str) -> None:
    parts = {part: f"{doctype}<x>&c;</x>"}
    data = workbook(HEADER, shared="", formats="", parts=parts)
    assert "declares a document type" in refusal(data)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ('<row r="2"/><row r="1"/>', "row '1' behind row 2"),
        ('<row r="2"/><row r="2"/>', "row '2' behind row 2"),
        ('<row r="x"/>', "row 'x' behind row 0"),
        ('<row r="0"/>', "row '0' behind row 0"),
        ('<row><c r="B1"><v>1</v></c><c r="A1"/></row>', "cell A1 at no place of its own"),
        ('<row><c r="B1"><v>1</v></c><c r="B1"/></row>', "cell B1 at no place of its own"),
        ('<row><c r="1"><v>1</v></c></row>', "cell 1, 1024 columns are allowed"),
        ('<row><c r="a1"><v>1</v></c></row>', "cell a1, 1024 columns are allowed"),
        ('<row><c t="zz"><v>1</v></c></row>', "cell 1 of row 1 that cannot be read"),
        ('<row><c t="b"><v>2</v></c></row>', "cell 1 of row 1 that cannot be read"),
    ],
)
def test_cells_without_order_are_refused(body: str, reason: str) -> None:
    assert reason in refusal(workbook(body))


def test_rows_are_taken_up_to_their_limit_and_not_beyond() -> None:
    assert len(rows_of(workbook(HEADER * 3), rows=3)) == 3
    assert "has a row 4, 3 are allowed" in refusal(workbook(HEADER * 4), rows=3)
    far = HEADER + '<row r="1048577"><c><v>1</v></c></row>'
    assert "has a row 1048577" in refusal(workbook(far))


def test_columns_are_taken_up_to_their_limit_and_not_beyond() -> None:
    def row(name: str) -> bytes:
        return workbook(f'<row><c r="{name}1"><v>1</v></c></row>')

    assert len(rows_of(row("AMJ"))[0]) == 1024
    assert "cell AMK1, 1024 columns are allowed" in refusal(row("AMK"))
    assert len(rows_of(row("AB"), columns=28)[0]) == 28
    assert "cell AB1, 27 columns are allowed" in refusal(row("AB"), columns=27)
    nameless = workbook(f"<row>{'<c/>' * 3}</row>")
    assert rows_of(nameless, columns=3) == []
    assert "cell 3 of row 1" in refusal(nameless, columns=2)


def test_a_text_is_taken_up_to_its_limit_and_not_beyond() -> None:
    for size, many in ((10, 1), (10, 300_000)):
        data = workbook(f"<row>{text_cell('x' * size * many)}</row>")
        assert rows_of(data, cell_characters=size * many) == [["x" * size * many]]
        assert "has a text of more than" in refusal(data, cell_characters=size * many - 1)
    shared = workbook('<row><c t="s"><v>0</v></c></row>', shared=f"<si><t>{'x' * 9}</t></si>")
    assert rows_of(shared, cell_characters=9) == [["x" * 9]]
    assert "more than 8 characters" in refusal(shared, cell_characters=8)


def test_parts_are_taken_up_to_their_limits_and_not_beyond() -> None:
    shared = "".join(f"<si><t>{number}</t></si>" for number in range(100))
    data = workbook('<row><c t="s"><v>0</v></c></row>', shared=shared)
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        sizes = {member.filename: member.file_size for member in archive.infolist()}
    assert rows_of(data, shared_bytes=sizes["xl/sharedStrings.xml"]) == [["0"]]
    message = refusal(data, shared_bytes=sizes["xl/sharedStrings.xml"] - 1)
    assert "bytes in xl/sharedStrings.xml" in message
    largest = max(sizes["xl/workbook.xml"], sizes["xl/_rels/workbook.xml.rels"])
    assert rows_of(data, part_bytes=largest) == [["0"]]
    assert "has more than" in refusal(data, part_bytes=largest - 1)
    assert rows_of(data, members=len(sizes)) == [["0"]]
    assert "members" in refusal(data, members=len(sizes) - 1)
    assert rows_of(data, packed_bytes=len(data)) == [["0"]]
    assert "bytes" in refusal(data, packed_bytes=len(data) - 1)


def test_what_is_unpacked_is_counted_over_all_parts_that_are_read() -> None:
    data = workbook(HEADER)
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        unread = ("xl/sharedStrings.xml", "xl/styles.xml")
        total = sum(m.file_size for m in archive.infolist() if m.filename not in unread)
    assert rows_of(data, unpacked_bytes=total) == [["a", "b"]]
    assert "unpacks to more than" in refusal(data, unpacked_bytes=total - 1)


def test_a_sheet_of_ten_megabytes_of_blanks_is_a_bomb() -> None:
    assert "100 times its size" in refusal(workbook(" " * (10 << 20)))


def test_a_tag_that_never_ends_is_refused_before_it_fills_memory() -> None:
    row = f'<row spans="{"1" * (3 << 20)}"/>'
    assert "has tags without end" in refusal(workbook(row))


@pytest.mark.parametrize(
    "part", ["xl/workbook.xml", "xl/sharedStrings.xml", "xl/worksheets/sheet1.xml"]
)
def test_tags_within_tags_without_end_are_refused(part: str) -> None:
    parts = {part: "<c>" * 400_000}
    assert "has tags without end" in refusal(workbook(HEADER, shared="", parts=parts))


def test_a_part_packed_in_another_way_or_encrypted_is_refused() -> None:
    data = bytearray(workbook(HEADER))
    data[data.index(b"PK\x01\x02") + 8] |= 1
    assert "is encrypted" in refusal(bytes(data))


def test_memory_does_not_grow_with_the_rows() -> None:
    def peak(count: int) -> int:
        row = "".join(f'<c t="inlineStr"><is><t>{n:020d}</t></is></c>' for n in range(10))
        data = io.BytesIO(workbook(f"<row>{row}</row>" * count))
        tracemalloc.start()
        try:
            limits = SheetLimits(ratio=1000)
            assert sum(1 for _ in sheet_rows(data, PATH, limits=limits)) == count
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    assert peak(8_000) < 1.2 * peak(2_000)


ODD = workbook(
    '<row><c t="s"><v>0</v></c></row><row><c s="1"><v>46324</v></c></row>',
    shared="<si><t>生日</t></si>",
    formats=styled("yyyy-mm-dd"),
)


def test_no_cut_of_a_workbook_is_taken() -> None:
    assert rows_of(ODD) == [["生日"], ["2026-10-29"]]
    for length in range(len(ODD)):
        refusal(ODD[:length])


@SMALL
@given(st.integers(1, 255))
def test_a_changed_byte_is_refused_or_changes_nothing(flip: int) -> None:
    for place in range(len(ODD)):
        changed = bytearray(ODD)
        changed[place] ^= flip
        with contextlib.suppress(Problem):
            assert rows_of(bytes(changed)) == [["生日"], ["2026-10-29"]], place


@SMALL
@given(
    st.lists(
        st.lists(
            st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1),
            min_size=3,
            max_size=3,
        ),
        min_size=1,
        max_size=5,
    )
)
def test_every_text_comes_out_as_it_was_written(rows: list[list[str]]) -> None:
    buffer = io.BytesIO()
    with xlsxwriter.Workbook(buffer) as book:
        sheet = book.add_worksheet()
        for number, row in enumerate(rows):
            for column, text in enumerate(row):
                sheet.write_string(number, column, text)
    assert rows_of(buffer.getvalue()) == rows


def test_the_limits_of_excel_itself_are_the_default_for_rows_and_texts() -> None:
    assert (SHEET_LIMITS.rows, SHEET_LIMITS.cell_characters) == (1_048_576, 32_767)
