"""Where things are on this machine. The only module that reads the environment."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ingest.core.errors import Problem
from ingest.core.fail_points import STEP

ENGINES = ("duckdb", "spark")
ALARM_HOURS = 12
LOG_FORMATS = ("text", "json")
PROJECT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Settings:
    """Places and limits of one installation; `run` and `step` are those of this process, if any."""

    lake: Path
    keys_file: Path
    rules: Path
    dbt_project: Path
    memory_limit: str
    engine: str = ENGINES[0]
    alarm_urls_file: Path | None = None
    alarm_hours: int = ALARM_HOURS
    is_log_json: bool = False
    run: str = ""
    step: str = ""


def load_settings(environment: Mapping[str, str] | None = None) -> Settings:
    """Settings from the environment; every one of them has a default inside the project folder.

    Paths are made absolute, so that a step means the same lake whatever folder it runs in. Problem
    if a value is none that is known.
    """
    environment = os.environ if environment is None else environment
    dbt_project = PROJECT / "dbt_project"
    engine = environment.get("ENGINE") or ENGINES[0]
    if engine not in ENGINES:
        raise Problem(f"ENGINE '{engine}' is unknown; it is one of {', '.join(ENGINES)}")

    hours = environment.get("ALARM_HOURS") or str(ALARM_HOURS)
    if not hours.isdecimal():
        raise Problem(f"ALARM_HOURS '{hours}' is no number of hours; write it as {ALARM_HOURS}")
    log_format = environment.get("LOG_FORMAT") or LOG_FORMATS[0]
    if log_format not in LOG_FORMATS:
        raise Problem(f"LOG_FORMAT '{log_format}' is unknown; it is {' or '.join(LOG_FORMATS)}")
    urls = environment.get("ALARM_URLS_FILE")

    def place(name: str, default: Path) -> Path:
        return Path(environment.get(name) or default).expanduser().absolute()

    return Settings(
        lake=place("LAKE_ROOT", PROJECT / "lake"),
        keys_file=place("KEYS_FILE", PROJECT / ".keys" / "onemember.json"),
        rules=place("RULES_DIR", dbt_project / "rules"),
        dbt_project=dbt_project,
        memory_limit=environment.get("MEMORY_LIMIT") or "6GB",
        engine=engine,
        alarm_urls_file=Path(urls).expanduser().absolute() if urls else None,
        alarm_hours=int(hours),
        is_log_json=log_format == "json",
        run=environment.get("RUN", ""),
        step=environment.get(STEP, ""),
    )
