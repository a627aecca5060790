"""docker-compose.yml: valid by the specification, the services that run without containers, healthy
by a check, and no secret but by file.
"""

from pathlib import Path
from typing import Any

import pytest
import yaml
from compose_spec import PyCompose

from dags.compose_secrets import make_secrets
from dags.pipeline import PROJECT
from dags.services import airflow_environment, services_of

COMPOSE = PROJECT / "docker-compose.yml"
BY_COMMAND = "_CMD"


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    content: dict[str, Any] = yaml.safe_load(COMPOSE.read_text(encoding="utf-8"))
    return content


def test_it_is_valid_by_the_specification(compose: dict[str, Any]) -> None:
    # YAML's own `<<` is resolved already; this parser knows the keys of the specification only.
    parsed = PyCompose.from_yaml(yaml.safe_dump(compose))
    assert set(parsed.service_names()) == {*compose["services"]}
    misspelt = {"services": {"web": {"image": "a", "healthchek": {}}}}
    with pytest.raises(ValueError, match="healthchek"):
        PyCompose.from_yaml(yaml.safe_dump(misspelt))


def test_the_same_services_run_without_containers(compose: dict[str, Any]) -> None:
    natively = {"postgres", *services_of(Path("home"), 8080)}
    assert {*compose["services"]} - {"prepare"} == natively


def test_each_airflow_service_runs_the_command_that_runs_natively(compose: dict[str, Any]) -> None:
    for name, command in services_of(Path("home"), 8080).items():
        words = [word.removesuffix("/python") for word in command if word != "-m"]
        mine = " ".join(words[words.index("airflow") :]).replace("127.0.0.1", "0.0.0.0")
        assert " ".join(compose["services"][name]["command"]).endswith(mine), name


def test_every_service_that_stays_has_a_health_check_and_comes_back(
    compose: dict[str, Any],
) -> None:
    for name, service in compose["services"].items():
        if name != "prepare":
            assert service["healthcheck"]["test"][0] == "CMD", name
            assert service["restart"] == "unless-stopped", name


def test_settings_are_those_of_the_services_without_containers(compose: dict[str, Any]) -> None:
    environment = compose["services"]["scheduler"]["environment"]
    elsewhere = {
        "AIRFLOW__API__BASE_URL",
        "AIRFLOW__CORE__DAGS_FOLDER",
        "AIRFLOW__API__EXPOSE_CONFIG",
    }
    for name, value in airflow_environment(Path("home")).items():
        if name.startswith("AIRFLOW__") and name not in elsewhere:
            assert environment[name] == value, name


def test_secrets_come_by_file_alone_and_the_files_can_be_made(
    compose: dict[str, Any], tmp_path: Path
) -> None:
    for name, service in compose["services"].items():
        mounted = set(service.get("secrets", ()))
        assert mounted <= {*compose["secrets"]}, name
        for setting, value in service["environment"].items():
            if any(word in setting for word in ("SECRET", "PASSWORD", "FERNET", "CONN")):
                assert setting.endswith((BY_COMMAND, "_FILE")), setting
                assert value.rpartition("/")[2] in mounted, setting
    folder = tmp_path / "secrets"
    made = make_secrets(folder)
    assert {f"./secrets/{name}" for name in made} == {
        each["file"] for each in compose["secrets"].values()
    }
    assert (folder / "postgres_password").read_text() in (folder / "sql_alchemy_conn").read_text()
    assert folder.stat().st_mode & 0o777 == 0o700
    assert make_secrets(folder) == []


def test_what_must_last_is_in_named_volumes(compose: dict[str, Any]) -> None:
    named = {
        volume.partition(":")[0]
        for service in compose["services"].values()
        for volume in service["volumes"]
    }
    assert named == {*compose["volumes"]} == {"airflow", "keys", "lake", "postgres"}
