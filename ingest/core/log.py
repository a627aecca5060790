"""Progress lines of a step, on standard error. They never carry personal data.

As text for people; with LOG_FORMAT=json one JSON object a line, for whatever collects logs.
"""

import json
import logging
import sys
from datetime import UTC, datetime

from ingest.core.settings import load_settings

LOAD = "load_"  # how the steps are called that load a source


class _JsonLine(logging.Formatter):
    """A message as one JSON object, with the run and step of this process and the source that the
    step loads; `at` in UTC.
    """

    def __init__(self, run: str, step: str) -> None:
        super().__init__()
        self._own = {"run": run, "step": step}
        if step.startswith(LOAD):
            self._own["source"] = step.removeprefix(LOAD)

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        said = {"at": at, "level": record.levelname.lower(), **self._own}
        return json.dumps({**said, "message": record.getMessage()}, ensure_ascii=False)


def start_log(level: int = logging.INFO) -> None:
    """Send the log of this process to standard error, one line a message."""
    settings = load_settings()
    handler = logging.StreamHandler(sys.stderr)
    as_json = _JsonLine(settings.run, settings.step) if settings.is_log_json else None
    handler.setFormatter(as_json or logging.Formatter("%(message)s"))
    logging.basicConfig(level=level, handlers=[handler], force=True)


def step_log(step: str) -> logging.Logger:
    """The logger of one step of the night."""
    return logging.getLogger(f"onemember.{step}")
