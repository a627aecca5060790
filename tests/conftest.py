"""What several folders of tests share: a lake that whole nights have run on."""

from pathlib import Path

import pytest
from hypothesis import settings

from tests.pipeline import worked_example
from tests.pipeline.nights import run_worked_nights

settings.register_profile("untimed", deadline=None)  # no test says how fast a machine is
settings.load_profile("untimed")


@pytest.fixture(scope="session")
def worked_lake(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The worked example after its three nights, October closed."""
    lake = tmp_path_factory.mktemp("worked") / "lake"
    worked_example.write_landing(lake)
    run_worked_nights(lake)
    return lake
