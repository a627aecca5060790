"""The rules of the house for folders, documents, locks and services."""

import re
import tomllib
from pathlib import Path

import pytest
import yaml

from dags.pipeline import attended, monthly, nightly
from dags.rendering import runbook
from tests.house.project import PROJECT, files, offences, text

TOP = {
    *(".ci", "benchmarks", "dags", "dbt_project", "docs", "exports", "identity_resolution"),
    *("ingest", "ledger", "tests"),
    *("ARCHITECTURE.md", "CHANGELOG.md", "CONTRIBUTING.md", "DECISIONS.md", "README.md"),
    *(".dockerignore", ".env.example", ".gitignore", "Dockerfile", "docker-compose.yml"),
    *("Makefile", "pyproject.toml"),
    *("requirements.lock", "requirements-airflow.lock", "requirements-dev.lock"),
    "requirements-spark.lock",
}
TESTS = {"house", "ingest", "identity_resolution", "ledger", "exports", "dags", "pipeline"}
TESTS |= {"parity", "faults"}
LOCKS = [
    *("requirements.lock", "requirements-airflow.lock", "requirements-spark.lock"),
    "requirements-dev.lock",
]
MACHINE_PATH = re.compile(r"(?<![\w.$)}/-])(/(home|root|tmp|work|Users|opt|mnt)/|[A-Z]:\\)[\w.-]*")


def test_the_top_of_the_project_holds_what_was_agreed_and_nothing_else() -> None:
    found = sorted({path.parts[0] for path in files()} - TOP)
    assert not found, offences("DESIGN §5 has no place for these:", found)


def test_the_folders_of_tests_are_those_that_were_agreed() -> None:
    found = {path.parts[1] for path in files() if path.parts[0] == "tests" and len(path.parts) > 2}
    assert found <= TESTS, offences(
        "Tests live in the folder of what they test:", sorted(found - TESTS)
    )


def test_no_file_names_a_path_of_somebodys_machine() -> None:
    # Containers have paths of their own, and temporary folders of tests are made by pytest.
    found = [
        f"{path}:{number}: {match.group()}"
        for path in files()
        if path.suffix in {".md", ".py", ".yml", ".sql", ".toml", ""} and path.name != "Dockerfile"
        for number, line in enumerate(text(path).splitlines(), 1)
        for match in MACHINE_PATH.finditer(line)
        if path != Path(__file__).relative_to(PROJECT)
    ]
    assert not found, offences("Say it relative to the project or by a setting:", found)


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_has_exact_versions_with_hashes_and_no_address(lock: str) -> None:
    lines = text(Path(lock)).splitlines()
    pins = [number for number, line in enumerate(lines) if line and not line.startswith((" ", "#"))]
    assert pins, f"{lock} pins nothing; make lock"
    bare = [lines[n] for n in pins if "==" not in lines[n] or "--hash=sha256:" not in lines[n + 1]]
    assert not bare, offences(f"make lock; these of {lock} have no version or no hash:", bare)
    found = [
        line for line in lines if re.search(r"://|--index|--find-links|--extra|file:| @ ", line)
    ]
    assert not found, offences(f"{lock} must not say where packages come from:", found)


def test_the_locks_agree_with_each_other() -> None:
    development = set(_pins("requirements-dev.lock"))
    for lock in LOCKS[:-1]:
        found = sorted(set(_pins(lock)) - development)
        assert not found, offences(f"make lock; {lock} differs from requirements-dev.lock:", found)


def test_every_dependency_of_the_project_is_in_the_lock() -> None:
    wanted = tomllib.loads(text(Path("pyproject.toml")))["project"]["dependencies"]
    names = {re.split(r"[<>=~! ;\[]", line)[0] for line in wanted}
    pinned = {pin.partition("==")[0] for pin in _pins("requirements.lock")}
    assert names <= pinned, offences("make lock; not in requirements.lock:", sorted(names - pinned))


def _pins(lock: str) -> list[str]:
    lines = text(Path(lock)).splitlines()
    return [line.split()[0] for line in lines if line[:1].isalnum()]


def test_every_step_has_a_section_in_the_runbook() -> None:
    steps = [*nightly(), *monthly(), *attended()]
    found = [step.name for step in steps if "*When it fails:*" not in runbook(step.name)]
    assert not found, offences("Say in dags/README.md what to do when these fail:", found)


def test_make_help_lists_every_target_that_people_use() -> None:
    makefile = text(Path("Makefile"))
    targets = set(re.findall(r"^\.PHONY: (.*)$", makefile, re.M)) - {"install"}
    listed = set(re.findall(r"^([a-z-]+):.*## ", makefile, re.M))
    assert targets == listed, offences("Give each a ## comment:", sorted(targets ^ listed))


def test_the_services_can_be_read_by_a_compose_parser() -> None:
    services = yaml.safe_load(text(Path("docker-compose.yml")))["services"]
    assert set(services) == {
        *("postgres", "prepare", "api-server", "scheduler", "dag-processor", "triggerer")
    }
    for name, service in services.items():
        assert "healthcheck" in service or name == "prepare", f"{name} has no health check"
        ports = service.get("ports", [])
        open_to_all = [port for port in ports if not port.startswith("127.0.0.1:")]
        assert not open_to_all, f"{name} listens beyond this machine: {open_to_all}"
        for needed in service.get("depends_on", {}):
            assert needed in services


def test_the_services_name_only_volumes_that_exist_and_no_variables() -> None:
    compose = text(Path("docker-compose.yml"))
    document = yaml.safe_load(compose)
    mounted = {
        volume.partition(":")[0]
        for service in document["services"].values()
        for volume in service.get("volumes", [])
    }
    assert mounted == set(document["volumes"])
    assert not re.findall(r"(?<!\$)\$\{", compose), "a secret comes by file, the rest stands there"


def test_secrets_are_nothing_that_git_keeps() -> None:
    assert "secrets/" in text(Path(".gitignore")).splitlines()
    assert not [path for path in files() if path.parts[0] == "secrets"]


def test_the_image_copies_only_what_there_is() -> None:
    found = [
        name
        for name in re.findall(r"^COPY (\S+) \./", text(Path("Dockerfile")), re.M)
        if not (PROJECT / name).exists()
    ]
    assert not found, offences("Dockerfile copies what is not there:", found)


def test_ci_runs_the_command_that_people_run() -> None:
    assert "make test" in text(Path(".ci/run")).splitlines()
    assert (PROJECT / ".ci" / "run").stat().st_mode & 0o111, "chmod +x .ci/run"
