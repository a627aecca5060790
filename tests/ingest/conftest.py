"""What several tests of ingest start from."""

import shutil
from pathlib import Path

import pytest

from tests.ingest.rule_books import PROJECT


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    """A copy of the project's rule books that a test may spoil."""
    return Path(shutil.copytree(PROJECT / "rules", tmp_path / "rules"))
