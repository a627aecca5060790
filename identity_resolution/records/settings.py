"""What a person says of a table of records: its id and the kinds of its columns."""

from dataclasses import dataclass
from pathlib import Path

import yaml

from identity_resolution.records.kinds import KINDS
from ingest.core.errors import Problem, one_line


@dataclass(frozen=True)
class RecordSettings:
    """The named columns of a table of records.

    id_column: None where the records are numbered by their place in the file. columns: (column,
    kind), in an order that does not depend on how the settings list them.
    """

    id_column: str | None
    columns: tuple[tuple[str, str], ...]


def load_record_settings(path: Path) -> RecordSettings:
    """Read the settings of a table of records; Problem where they say what cannot be."""
    if not path.is_file():
        raise Problem(f"{path} is missing; --settings names a YAML with columns and their kinds")
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise Problem(f"{path} is not YAML: {one_line(error)}; mend it") from error
    if not isinstance(document, dict) or not isinstance(document.get("columns"), dict):
        raise Problem(f"{path} has no 'columns'; write one line '<column>: <kind>' for each")
    unknown = sorted(str(key) for key in document if key not in ("id", "columns"))
    if unknown:
        raise Problem(f"{path}: '{unknown[0]}' is unknown; it may hold 'id' and 'columns'")
    id_column = document.get("id")
    return RecordSettings(None if id_column is None else str(id_column), _columns(path, document))


def _columns(path: Path, document: dict[str, dict[object, object]]) -> tuple[tuple[str, str], ...]:
    """The columns in the order of their kinds, then of their names."""
    columns = {str(column): str(kind) for column, kind in document["columns"].items()}
    if not columns:
        raise Problem(f"{path} names no column; write one line '<column>: <kind>' for each")
    for column, kind in columns.items():
        if kind not in KINDS:
            raise Problem(
                f"{path}: column '{column}' is of the unknown kind '{kind}'; "
                f"it is one of {', '.join(KINDS)}"
            )
    return in_order(columns)


def in_order(columns: dict[str, str]) -> tuple[tuple[str, str], ...]:
    """Columns and their kinds in the order of the kinds, then of the names."""
    order = list(KINDS)
    return tuple(sorted(columns.items(), key=lambda item: (order.index(item[1]), item[0])))
