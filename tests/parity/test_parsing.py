"""What dbt compiles for Spark is what Spark's own parser reads; no night has to run to know it."""

from functools import cache
from pathlib import Path

from pyspark.errors import ParseException
from pyspark.sql import SparkSession

from tests.pipeline.nights import must_run


def test_spark_reads_every_model_and_every_test(tmp_path: Path) -> None:
    lake = tmp_path / "lake"
    compiled = lake / "work" / "dbt" / "compiled"
    must_run(lake, "dags", "dbt", "compile", "--quiet", "--no-introspect", engine="spark")
    files = sorted(path for path in compiled.rglob("*.sql") if path.is_file())
    assert len(files) > len(list((compiled / "onemember" / "models").rglob("*.sql"))) > 0
    unread = {path.name: said for path in files if (said := misread(path.read_text("utf-8")))}
    assert unread == {}


@cache
def parser_session() -> SparkSession:
    """A session that keeps no tables, for its parser alone."""
    builder: SparkSession.Builder = SparkSession.builder
    builder = builder.master("local[1]").config("spark.ui.enabled", "false")
    return builder.config("spark.sql.catalogImplementation", "in-memory").getOrCreate()


def misread(sql: str) -> str:
    """What Spark's parser says of a query; empty if it reads it."""
    session = parser_session()
    try:
        session._jsparkSession.sessionState().sqlParser().parsePlan(sql)
    except ParseException as error:
        return str(error).split("== SQL ==")[0].strip()
    return ""


def test_a_comparison_that_spark_reads_otherwise_is_found() -> None:
    assert "PARSE_SYNTAX_ERROR" in misread("select case when a in (1) <> b then 1 end from t")
    assert misread("select case when (a in (1)) <> b then 1 end from t") == ""
