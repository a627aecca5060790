"""Which engine runs the SQL and the folds: DuckDB in each step, or one Spark for all of them."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

from dags.pipeline import PROJECT
from dags.runner import Trouble, what_went_wrong

ENGINES = ("duckdb", "spark")
SPARK_CONF = "spark-defaults.conf"


def check_engine() -> str:
    """What the steps will run on; Trouble, in one line, if this machine cannot run it."""
    engine = os.environ.get("ENGINE") or ENGINES[0]
    if engine not in ENGINES:
        raise Trouble(f"ENGINE '{engine}' is unknown; it is one of {', '.join(ENGINES)}")
    if engine != "spark":
        return engine
    if find_spec("pyspark") is None:
        raise Trouble("ENGINE=spark needs packages that are not installed; run make spark-setup")
    java = Path(os.environ.get("JAVA_HOME") or "none") / "bin" / "java"
    if not java.is_file() and not (os.environ.get("JAVA_HOME") is None and shutil.which("java")):
        raise Trouble(f"no Java at {java}; run make spark-setup, or name a Java 17 by JAVA_HOME")
    profile = Path(os.environ["SPARK_CONF_DIR"]) / SPARK_CONF
    if not profile.is_file():
        raise Trouble(f"no {profile}; SPARK_CONF_DIR names the folder of Spark's configuration")
    return f"spark: {java}, {profile}"


def locks() -> list[tuple[Path, str]]:
    """The locks that hold on the engine that is asked for, and what installs each."""
    found = [(PROJECT / "requirements.lock", "make setup")]
    if os.environ.get("ENGINE") == "spark":
        found.append((PROJECT / "requirements-spark.lock", "make spark-setup"))
    return found


@contextmanager
def engine() -> Iterator[None]:
    """Hold what the steps of a run share: nothing for DuckDB, a JVM for Spark."""
    if os.environ.get("ENGINE") != "spark" or "PYSPARK_GATEWAY_PORT" in os.environ:
        yield
        return
    with tempfile.NamedTemporaryFile(suffix=".log") as log:
        host = subprocess.Popen(
            [sys.executable, "-m", "ingest.core.spark", "host"],
            cwd=PROJECT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            start_new_session=True,
        )
        assert host.stdin is not None, "a pipe was asked for"
        assert host.stdout is not None, "a pipe was asked for"
        try:
            told = host.stdout.readline()
            if not told:
                said = what_went_wrong(Path(log.name))
                raise Trouble(" ".join(said[-1:]).removeprefix("error: ") or "Spark does not start")
            place = json.loads(told)
            os.environ["PYSPARK_GATEWAY_PORT"] = str(place["port"])
            os.environ["PYSPARK_GATEWAY_SECRET"] = place["secret"]
            yield
        finally:
            os.environ.pop("PYSPARK_GATEWAY_PORT", None)
            os.environ.pop("PYSPARK_GATEWAY_SECRET", None)
            host.stdin.close()
            host.wait()
