"""The Spark session of ENGINE=spark, and dbt inside it.

python -m ingest.core.spark dbt run --selector stage
python -m ingest.core.spark host

A JVM takes seconds to start and minutes to become fast. So a run of many steps keeps one: `host`
starts it and says where it is, and each step's `spark_session` joins it
(PYSPARK_GATEWAY_PORT, PYSPARK_GATEWAY_SECRET, as PySpark itself reads them). A step alone starts
its own.
"""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from py4j.protocol import Py4JError
from pyspark import SparkConf, SparkContext
from pyspark.errors import PySparkException
from pyspark.java_gateway import launch_gateway
from pyspark.sql import SparkSession

from ingest.core.errors import Problem, one_line, run_command

SCHEMA = "onemember"  # as in dbt_project/profiles.yml


def spark_session() -> SparkSession:
    """The session of this process, in the run's JVM if there is one.

    Problem if Spark cannot start: no Java, no metastore, a master that does not answer.
    """
    active = SparkSession.getActiveSession()
    if active is not None:
        return active
    with spark_problem("Spark does not start"):
        gateway = launch_gateway()  # type: ignore[no-untyped-call]
        running = gateway.jvm.SparkSession.getDefaultSession()
        if running.isDefined():
            java_context = gateway.jvm.JavaSparkContext(running.get().sparkContext())
            context = SparkContext(
                gateway=gateway,
                jsc=java_context,
                conf=SparkConf(_jconf=java_context.getConf()),
            )
            return SparkSession(context, running.get())
        SparkContext(gateway=gateway)
        session = SparkSession.builder.enableHiveSupport().getOrCreate()
        session.sql(f"create schema if not exists {SCHEMA}")
    return session


@contextmanager
def spark_problem(what: str) -> Iterator[None]:
    """Turn what Spark raises into a Problem that says in one line what failed, and why."""
    try:
        yield
    except (PySparkException, Py4JError, OSError) as error:
        raise Problem(f"{what}: {_reason(error)}") from error


def main(argv: list[str]) -> int:
    """Run dbt in the session, or hold a JVM for a run's steps until standard input ends."""
    session = spark_session()
    if argv == ["host"]:
        gateway = session.sparkContext._gateway
        assert gateway is not None, "a session has a JVM"
        parameters = gateway.gateway_parameters
        print(json.dumps({"port": parameters.port, "secret": parameters.auth_token}), flush=True)
        sys.stdin.read()
        return 0
    from dbt.cli.main import dbtRunner  # noqa: PLC0415 - the host needs no dbt

    return 0 if dbtRunner().invoke(argv[1:]).success else 1


def _reason(error: Exception) -> str:
    """The Problem of a function that Spark ran, else what Java said at the bottom of its causes,
    else what Python says; in one line.
    """
    problems = [line for line in str(error).splitlines() if "Problem: " in line]
    if problems:
        return problems[-1].partition("Problem: ")[2]
    thrown: Any = getattr(error, "java_exception", None) or getattr(error, "_origin", None)
    if thrown is None:
        return one_line(error)
    while thrown.getCause() is not None:
        thrown = thrown.getCause()
    return one_line(thrown.toString())


if __name__ == "__main__":
    sys.exit(run_command(main, sys.argv[1:]))
