"""A table of records as read and cleaned, in an order that only its content decides."""

from dataclasses import dataclass
from pathlib import Path

import duckdb
import pyarrow as pa

from identity_resolution.records.kinds import cleaner
from identity_resolution.records.settings import RecordSettings
from ingest.core.errors import Problem, one_line

DATE_PARTS = ("birth_year", "birth_month", "birth_day")


@dataclass(frozen=True)
class Field:
    """A cleaned column: its name in all later tables, its kind, and the columns it came from."""

    name: str
    kind: str
    source: str


@dataclass(frozen=True)
class Records:
    """Cleaned records; the row number of a record is its place here.

    fields: those that can tell records apart. values: one text column a field. ids: as in the file.
    truth: who each record is, where that was asked for.
    """

    fields: tuple[Field, ...]
    values: dict[str, list[str | None]]
    ids: list[str]
    truth: list[str | None] | None

    def __len__(self) -> int:
        return len(self.ids)

    def of_kind(self, kind: str) -> list[str]:
        """The names of the fields of a kind."""
        return [field.name for field in self.fields if field.kind == kind]

    def table(self) -> pa.Table:
        """The cleaned records with their row number."""
        columns = {name: pa.array(values, pa.string()) for name, values in self.values.items()}
        return pa.table({"row": pa.array(range(len(self)), pa.int64()), **columns})


def read_records(path: Path, settings: RecordSettings, truth: str | None = None) -> Records:
    """Read and clean a Parquet or CSV file; Problem where it is not what the settings say."""
    columns = [column for column, _ in settings.columns]
    wanted = [*columns, *filter(None, [settings.id_column, truth])]
    frame = _read(path, wanted)
    count = frame.num_rows
    if settings.id_column is None:
        ids = [str(number) for number in range(count)]
    else:
        ids = [value or "" for value in frame[settings.id_column].to_pylist()]
        if len(set(ids)) < count or "" in ids:
            raise Problem(
                f"{path}: column '{settings.id_column}' does not name each record once; "
                "leave 'id' out of the settings, or name another column"
            )
    fields, values = _cleaned(frame, settings)
    persons = None if truth is None else frame[truth].to_pylist()
    return arranged(fields, values, ids, persons)


def arranged(
    fields: list[Field],
    values: dict[str, list[str | None]],
    ids: list[str],
    truth: list[str | None] | None,
) -> Records:
    """Put records in the order of their content, then of their ids; fields that say the same of
    everybody are left out.
    """
    telling = tuple(
        field for field in fields if len({value for value in values[field.name] if value}) > 1
    )
    columns = [[value or "" for value in values[field.name]] for field in telling]
    keys = list(zip(*columns, ids, strict=True))
    order = sorted(range(len(ids)), key=keys.__getitem__)
    return Records(
        telling,
        {field.name: [values[field.name][row] for row in order] for field in telling},
        [ids[row] for row in order],
        None if truth is None else [truth[row] for row in order],
    )


def _read(path: Path, wanted: list[str]) -> pa.Table:
    """The wanted columns as text."""
    if not path.is_file():
        raise Problem(f"{path} is missing; --records names a Parquet or CSV file")
    with duckdb.connect() as connection:
        try:
            if path.suffix.lower() == ".parquet":
                relation = connection.read_parquet(str(path))
            else:
                relation = connection.read_csv(str(path), all_varchar=True, header=True)
        except duckdb.Error as error:
            raise Problem(f"{path} is neither Parquet nor CSV: {one_line(error)}") from error
        for column in wanted:
            if column not in relation.columns:
                raise Problem(
                    f"{path} has no column '{column}'; it has {', '.join(relation.columns)}"
                )
        quoted = ['"' + column.replace('"', '""') + '"' for column in dict.fromkeys(wanted)]
        return relation.project(
            ", ".join(f"cast({column} as varchar) as {column}" for column in quoted)
        ).to_arrow_table()


def _cleaned(
    frame: pa.Table, settings: RecordSettings
) -> tuple[list[Field], dict[str, list[str | None]]]:
    """Each column cleaned by its kind; year, month and day in three columns become one date."""
    fields: list[Field] = []
    values: dict[str, list[str | None]] = {}
    for column, kind in settings.columns:
        number = 1 + sum(field.kind == kind for field in fields)
        field = Field(kind if number == 1 else f"{kind}_{number}", kind, column)
        clean = cleaner(kind)
        fields.append(field)
        values[field.name] = [clean(value) for value in frame[column].to_pylist()]
    if all(part in values for part in DATE_PARTS) and "birth_date" not in values:
        source = " ".join(field.source for field in fields if field.name in DATE_PARTS)
        parts = zip(*(values.pop(part) for part in DATE_PARTS), strict=True)
        values["birth_date"] = [_date(*part) for part in parts]
        fields = [field for field in fields if field.name not in DATE_PARTS]
        fields.append(Field("birth_date", "birth_date", source))
    return fields, values


def _date(year: str | None, month: str | None, day: str | None) -> str | None:
    if year is None and month is None and day is None:
        return None
    return f"{year or '????':>04}{month or '??':>02}{day or '??':>02}"
