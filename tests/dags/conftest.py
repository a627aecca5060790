"""What several tests of Airflow need."""

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest


@pytest.fixture(scope="module")
def home() -> Iterator[Path]:
    """Where Airflow and its PostgreSQL keep their files (see `served`)."""
    with TemporaryDirectory(prefix="onemember-airflow-") as folder:
        yield Path(folder) / "home"
