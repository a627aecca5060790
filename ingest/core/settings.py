"""Where things are on this machine. The only module that reads the environment."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ingest.core.errors import Problem

ENGINES = ("duckdb", "spark")
PROJECT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Settings:
    """Places and limits of one installation."""

    lake: Path
    keys_file: Path
    rules: Path
    dbt_project: Path
    memory_limit: str
    engine: str = ENGINES[0]


def load_settings(environment: Mapping[str, str] | None = None) -> Settings:
    """Settings from the environment; every one of them has a default inside the project folder.

    Paths are made absolute, so that a step means the same lake whatever folder it runs in. Problem
    if the engine is unknown.
    """
    environment = os.environ if environment is None else environment
    dbt_project = PROJECT / "dbt_project"
    engine = environment.get("ENGINE") or ENGINES[0]
    if engine not in ENGINES:
        raise Problem(f"ENGINE '{engine}' is unknown; it is one of {', '.join(ENGINES)}")

    def place(name: str, default: Path) -> Path:
        return Path(environment.get(name) or default).expanduser().absolute()

    return Settings(
        lake=place("LAKE_ROOT", PROJECT / "lake"),
        keys_file=place("KEYS_FILE", PROJECT / ".keys" / "onemember.json"),
        rules=place("RULES_DIR", dbt_project / "rules"),
        dbt_project=dbt_project,
        memory_limit=environment.get("MEMORY_LIMIT") or "6GB",
        engine=engine,
    )
