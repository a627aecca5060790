"""Progress lines of a step, on standard error. They never carry personal data."""

import logging
import sys


def start_log(level: int = logging.INFO) -> None:
    """Send the log of this process to standard error, one line a message."""
    logging.basicConfig(level=level, stream=sys.stderr, format="%(message)s", force=True)


def step_log(step: str) -> logging.Logger:
    """The logger of one step of the night."""
    return logging.getLogger(f"onemember.{step}")
