"""What several tests of exports start from."""

from pathlib import Path

import pytest

from tests.exports.closing_group import JAN_31, A, B, Group


@pytest.fixture
def group(tmp_path: Path) -> Group:
    """January's last night is published: the mall owes the fund 12.34."""
    made = Group(tmp_path)
    made.publish(JAN_31, A, B)
    return made
