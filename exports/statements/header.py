"""What a statement says about itself beside its figures."""

from dataclasses import dataclass
from datetime import date

DRAFT = "草稿"
CLOSED = "已关账"


@dataclass(frozen=True)
class Header:
    """Number, status and origin of one statement.

    Dates are posting dates, both inclusive. `detail_file` is None if the lines are too many.
    """

    statement_no: str
    status: str
    from_date: date
    to_date: date
    version: str
    missing_sources: tuple[str, ...]
    detail_file: str | None

    @property
    def run_key(self) -> str:
        """The start of the key of the night that was published as `version`."""
        return self.version.rpartition("-")[2]

    @property
    def cutoff_date(self) -> date:
        """Business date of the night that was published as `version`."""
        return date.fromisoformat(self.version.rpartition("-")[0])

    @property
    def is_draft(self) -> bool:
        """True until the month is closed."""
        return self.status == DRAFT
