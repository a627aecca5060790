"""Whether a landing file as a whole is what was agreed; if not, its delivery is refused."""

from ingest.checks import Checked, Total
from ingest.core.errors import Problem
from ingest.deliveries import LandedFile
from ingest.readers.control import Expectation
from ingest.readers.rows import SOURCE_ROW

BAD_ROWS_ALWAYS_TAKEN = 20
GOOD_ROWS_PER_BAD_ROW = 4  # more than one bad row in five refuses the file
MAX_TOTAL_FEN = 2**63 - 1
AGAIN = "the file was refused, ask for the delivery again"


def check_volume(file: LandedFile, handed_over: Total) -> None:
    """Problem unless a file has as many rows as its contract expects."""
    table, rows = file.table, handed_over.row_count
    if rows < table.min_rows or rows > (rows if table.max_rows is None else table.max_rows):
        most = "any number" if table.max_rows is None else table.max_rows
        raise Problem(
            f"{file.path} has {rows} rows, the contract of {table.name} expects "
            f"{table.min_rows} to {most}; {AGAIN}, or change the contract"
        )


def check_control(file: LandedFile, expectation: Expectation, handed_over: Total) -> None:
    """Problem unless rows and amounts are what the sender says."""
    path = file.path
    if handed_over.row_count != expectation.row_count:
        raise Problem(
            f"{path} has {handed_over.row_count} rows, {expectation.said_by} says "
            f"{expectation.row_count}; {AGAIN}"
        )
    found = (handed_over.fen, *handed_over.others)
    stated = (expectation.total_fen, *expectation.other_sums_fen)
    for column, sum_fen, stated_fen in zip(file.table.totals, found, stated, strict=False):
        if abs(sum_fen) > MAX_TOTAL_FEN:
            raise Problem(f"{path} adds up to {sum_fen} fen, which no ledger holds; {AGAIN}")
        if sum_fen != stated_fen:
            said = "nothing" if stated_fen is None else f"{stated_fen} fen"
            raise Problem(
                f"{path} adds up to {sum_fen} fen in {column}, {expectation.said_by} says {said}; "
                f"{AGAIN}"
            )


def check_bad_rows(file: LandedFile, checked: Checked, bad: int, rows: int) -> None:
    """Problem if so many rows are bad that the file, not the rows, must be wrong."""
    if bad <= BAD_ROWS_ALWAYS_TAKEN or bad * (GOOD_ROWS_PER_BAD_ROW + 1) <= rows:
        return
    first = checked.refused.row(0, named=True)
    raise Problem(
        f"{file.path}: {bad} of {rows} rows break the contract (the first: row "
        f"{first[SOURCE_ROW]}, column {first['column_name']}, rule {first['rule']}); "
        "the file was refused, correct it or the contract and load again"
    )
