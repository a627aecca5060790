"""What a contract file may say: dbt's sources file, and the `meta` that says how files are read."""

import codecs
from pathlib import Path
from typing import Annotated, Literal, get_args

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from ingest.core.documents import Clock, Name, Text, TimeZone, Written

IdentifierClass = Literal[
    "mobile", "id_document", "unionid", "openid", "email", "plate", "card_number"
]
PersonalClass = Literal[IdentifierClass, "name", "birth_date", "address"]
IDENTIFIER_CLASSES: tuple[str, ...] = get_args(IdentifierClass)
TEXT_FORMATS = ("csv", "jsonl")
STAMP = "{yyyymmdd}"


def _plain_name(name: str) -> str:
    if name.count(STAMP) != 1 or Path(name).name != name:
        raise ValueError(f"file '{name}' must be a plain name with {{yyyymmdd}}")
    return name


def _encoding(name: str) -> str:
    try:
        codecs.lookup(name)
    except LookupError:
        raise ValueError(f"unknown encoding '{name}'") from None
    return name


File = Annotated[Text, AfterValidator(_plain_name)]
Encoding = Annotated[Text, AfterValidator(_encoding)]


class Described(BaseModel):
    """An entry of dbt: what is not ours in it is left to dbt."""

    model_config = ConfigDict(extra="ignore", strict=True, frozen=True)

    description: str = ""


class ControlColumns(Written):
    """Headers of a csv control file, or of a trailer."""

    file: Text | None = Field(default=None, description="Of a csv control file, which needs it.")
    rows: Text
    total: Text
    sequence: Text | None = Field(
        default=None, description="Says which version of its business date a file is: 2, 3, …"
    )
    sha256: Text | None = Field(default=None, description="Digest of the file's bytes, in hex.")


class ControlMeta(Written):
    """Where the sender says rows and totals of each file; without them a cut file goes unseen.

    A trailer is two last lines of the file itself, headers and values; such a source has one table.
    """

    file: File | None = Field(default=None, description="Of a control file; a trailer has none.")
    format: Literal["csv", "json", "trailer"]
    encoding: Encoding = "utf-8"
    columns: ControlColumns | None = Field(
        default=None, description="Of a csv control file or a trailer."
    )
    sums: dict[Text, Text] = Field(
        default={}, description="Of a trailer: headers of the sums of further amounts, by column."
    )


class ColumnMeta(Written):
    """How the values of a column are read, and what they may be."""

    header: Text | None = Field(default=None, description="Its header, if that is not its name.")
    aliases: list[Text] = Field(default=[], description="Other headers that the sender has used.")
    required: bool = False
    allowed: dict[str, str] | None = Field(
        default=None, min_length=1, description="What the file may say, and what it means."
    )
    min: int | None = None
    max: int | None = None
    unit: Literal["yuan", "fen"] | None = Field(
        default=None, description="Of an amount in the file."
    )
    personal: PersonalClass | None = Field(
        default=None, description="Class of personal data; it never leaves the restricted zone."
    )
    excel_serial: bool = Field(
        default=False, description="Of a date or timestamp: days numbered as Excel does are read."
    )
    floating: bool = Field(
        default=False,
        description="Of Parquet: floating point; read as the shortest decimal that says the same.",
    )
    ordinal_within: list[Text] | None = Field(
        default=None,
        min_length=1,
        description="Not in the file: 1, 2, … among the rows that agree in these columns.",
    )
    product_of: list[Text] | None = Field(
        default=None,
        min_length=2,
        max_length=2,
        description="Not in the file: the product of two numbers, in yuan, to the nearest fen.",
    )


class ColumnEntry(Described):
    """One column of a file."""

    name: Name
    data_type: Literal["varchar", "bigint", "date", "timestamp", "boolean"]
    meta: ColumnMeta = ColumnMeta()


class BusinessDate(Written):
    """The column from which the business date follows."""

    source: Text = Field(alias="from")


class Volume(Written):
    """How many rows the files of a table may have; others are refused as a whole."""

    min_rows: int = Field(default=0, ge=0)
    max_rows: int | None = Field(default=None, ge=0)


class TableMeta(Written):
    """How the files of a table are named and read."""

    file: File
    format: Literal["csv", "jsonl", "parquet", "xlsx"]
    encoding: Encoding | None = Field(
        default=None, description="Of csv and jsonl; decoded strictly."
    )
    delimiter: Annotated[str, Field(pattern=r'^[^"\r\n]$')] = Field(
        default=",", description="Of csv."
    )
    sheet: Text | None = Field(default=None, description="Of xlsx, if the book has several.")
    mode: Literal["append", "upsert"] = Field(
        default="append",
        description="append: a key comes once, and only a correction says otherwise. "
        "upsert: new and changed rows; the later business date counts.",
    )
    optional: bool = Field(
        default=False,
        description="A first delivery may leave it out: what comes once, or hardly ever.",
    )
    volume: Volume = Volume()
    key: list[Text] = Field(min_length=1, description="The columns that tell rows apart.")
    account: Text | None = Field(default=None, description="Of a table of customers: its key.")
    control_total: Text | None = Field(
        default=None, description="The amount that the control file adds."
    )
    business_date: BusinessDate | None = None
    value_prefix: Annotated[str, Field(pattern=r"^[`']$")] | None = Field(
        default=None, description="A sign before each value, as ` in WeChat's bills; one is cut."
    )


class TableEntry(Described):
    """One table: one file a delivery."""

    name: Name
    meta: TableMeta
    columns: list[ColumnEntry] = Field(min_length=1)


class Lateness(Written):
    """What happens when a delivery is not there, or is refused."""

    deadline: Clock = Field(
        default="06:00", description="On the morning after the business date, in its time zone."
    )
    policy: Literal["provisional", "block", "note"] = Field(
        default="provisional",
        description="provisional: the night goes on, this business is marked. block: it waits. "
        "note: no figure depends on it, so its absence stands in the calendar and no more.",
    )


class SourceMeta(Written):
    """Whose system it is, and its day."""

    business: Text
    time_zone: TimeZone
    day_cut_off: Clock = Field(
        description="End of the business day: with 04:00 a sale at 01:30 is the day before's."
    )
    lateness: Lateness = Lateness()
    control: ControlMeta


class SourceEntry(Described):
    """One system of one business."""

    name: Name
    meta: SourceMeta
    tables: list[TableEntry] = Field(min_length=1)


class ContractFile(Described):
    """What one source hands over: a dbt sources file whose `meta` says how files are read."""

    version: Literal[2] = 2
    sources: list[SourceEntry] = Field(min_length=1)
