"""What a statement says about itself beside its figures."""

from dataclasses import dataclass
from datetime import date

DRAFT = "草稿"
TO_REVIEW, TO_CONFIRM, CONFIRMED, CLOSED = "待复核", "待确认", "已确认", "已关账"
NOBODY = "—"


@dataclass(frozen=True)
class Signed:
    """Who took a step, and on which business date."""

    by: str
    on_date: date

    def __str__(self) -> str:
        return f"{self.by}　{self.on_date}"


@dataclass(frozen=True)
class Signatures:
    """Who prepared, reviewed and confirmed a statement; None where nobody has yet."""

    preparer: Signed | None = None
    reviewer: Signed | None = None
    confirmer: Signed | None = None


@dataclass(frozen=True)
class Made:
    """What a statement was made from: the night's key, the digests of rules and code."""

    run_key: str
    rules_version: str
    code_version: str


@dataclass(frozen=True)
class Header:
    """Number, status and origin of one statement.

    `version` is the publication that it was made from, `statement_version` 1 until the month is
    restated. Dates are posting dates, both inclusive. `detail_file` is None if the lines are too
    many.
    """

    statement_no: str
    status: str
    from_date: date
    to_date: date
    version: str
    missing_sources: tuple[str, ...]
    detail_file: str | None
    made: Made
    statement_version: int = 1
    supersedes_no: str | None = None
    signatures: Signatures = Signatures()
    detail_sha256: str | None = None

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
        """True until the month is frozen."""
        return self.status == DRAFT
