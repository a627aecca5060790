"""The third-party tables of records with a known truth, and the kinds of their columns.

Nothing else is said of any of them: the method is the same for all.
"""

import tempfile
from dataclasses import dataclass
from pathlib import Path

import duckdb

from identity_resolution.records.settings import RecordSettings, in_order
from identity_resolution.records.table import Records, read_records

FEBRL = {
    "given_name": "given_name",
    "surname": "surname",
    "street_number": "street_number",
    "address_1": "address",
    "address_2": "address",
    "suburb": "place",
    "postcode": "postcode",
    "state": "category",
    "date_of_birth": "birth_date",
    "soc_sec_id": "document",
}
FAKE = {
    "first_name": "given_name",
    "surname": "surname",
    "dob": "birth_date",
    "city": "place",
    "email": "email",
}
RLDATA = {
    "fname_c1": "given_name",
    "fname_c2": "middle_name",
    "lname_c1": "surname",
    "lname_c2": "surname",
    "by": "birth_year",
    "bm": "birth_month",
    "bd": "birth_day",
}
SIMULATED = {
    "first_name": "given_name",
    "middle_initial": "middle_name",
    "last_name": "surname",
    "date_of_birth": "birth_date",
    "street_number": "street_number",
    "street_name": "address",
    "unit_number": "category",
    "city": "place",
    "state": "category",
    "zipcode": "postcode",
    "sex": "gender",
    "ssn": "document",
}
TRUTH = "simulant_id"


@dataclass(frozen=True)
class RecordSet:
    """Files that make one table together, the kinds of its columns, and who is who."""

    files: tuple[str, ...]
    columns: dict[str, str]
    truth: str

    def is_present(self, folder: Path) -> bool:
        """Whether all of its files are in a folder."""
        return all((folder / file).is_file() for file in self.files)

    def write(self, folder: Path, path: Path) -> RecordSettings:
        """Put the files into one Parquet; what the settings would say of it."""
        with duckdb.connect() as connection:
            selects = [_select(connection, folder / file, self) for file in self.files]
            whole = connection.sql(" union all by name ".join(selects))
            named = {name: kind for name, kind in self.columns.items() if name in whole.columns}
            whole.write_parquet(str(path))
        return RecordSettings(None, in_order(named))

    def records(self, folder: Path) -> Records:
        """The cleaned records with their truth."""
        with tempfile.TemporaryDirectory() as temporary:
            path = Path(temporary) / "records.parquet"
            return read_records(path, self.write(folder, path), self.truth)


def _select(connection: duckdb.DuckDBPyConnection, path: Path, record_set: RecordSet) -> str:
    """The named columns of a file, also where it calls them mailing_address_… or middle_name."""
    columns = connection.read_parquet(str(path)).columns
    selected = []
    for column in columns:
        name = column.removeprefix("mailing_address_").replace("middle_name", "middle_initial")
        name = column if column in record_set.columns else name
        if name in record_set.columns or name == record_set.truth:
            selected.append(f'cast("{column}" as varchar) as "{name}"')
    return f"select {', '.join(selected)} from '{path}'"


def _simulated(*names: str) -> RecordSet:
    return RecordSet(tuple(f"pseudopeople/{name}.parquet" for name in names), SIMULATED, TRUTH)


SETS = {
    "febrl1": RecordSet(("febrl_dataset1.parquet",), FEBRL, "cluster"),
    "febrl2": RecordSet(("febrl_dataset2.parquet",), FEBRL, "cluster"),
    "febrl3": RecordSet(("febrl_dataset3.parquet",), FEBRL, "cluster"),
    "fake_1000": RecordSet(("splink_fake_1000.parquet",), FAKE, "cluster"),
    "rldata500": RecordSet(("rldata500.parquet",), RLDATA, "identity"),
    "census + social security": _simulated("decennial_census", "social_security"),
    "census + W2": _simulated("decennial_census", "taxes_w2_and_1099"),
    "census + social security + W2": _simulated(
        "decennial_census", "social_security", "taxes_w2_and_1099"
    ),
}
