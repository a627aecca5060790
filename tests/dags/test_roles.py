"""Who may do what in Airflow, asked of its API as people of each role."""

from collections.abc import Iterator
from pathlib import Path
from urllib.error import HTTPError

import pytest

from benchmarks.served import Served, served
from tests.dags.test_backfill import command, free_port

ROLES = ("Viewer", "operator", "finance_approver")
ANSWER = {"chosen_options": ["Approve"], "params_input": {}}
NO_SUCH_RUN = "dagRuns/none/taskInstances"
FORBIDDEN, MISSING = 403, 404  # what is allowed fails here because there is no such run


@pytest.fixture(scope="module")
def people(tmp_path_factory: pytest.TempPathFactory, home: Path) -> Iterator[dict[str, Served]]:
    """Airflow as a person of each role sees it."""
    folder = tmp_path_factory.mktemp("roles")
    command(folder / "lake", "ingest", "keys")
    with served(home, folder / "lake", folder / "keys.json", free_port()) as admin:
        admin.switch_on("monthly_close", "nightly")
        yield {role: admin.as_person(role) for role in ROLES}


def status(person: Served, method: str, path: str, body: dict[str, object] | None = None) -> int:
    try:
        person.ask(method, path, body)
    except HTTPError as refused:
        return refused.code
    return 200


@pytest.mark.long
def test_finance_approvers_alone_answer_the_questions_of_a_close(
    people: dict[str, Served],
) -> None:
    path = f"dags/monthly_close/{NO_SUCH_RUN}/ask_review/-1/hitlDetails"
    found = {role: status(person, "PATCH", path, ANSWER) for role, person in people.items()}
    assert found == {"Viewer": FORBIDDEN, "operator": FORBIDDEN, "finance_approver": MISSING}
    other = f"dags/nightly/{NO_SUCH_RUN}/open/-1/hitlDetails"
    assert status(people["finance_approver"], "PATCH", other, ANSWER) == FORBIDDEN


@pytest.mark.long
def test_operators_alone_clear_and_trigger(people: dict[str, Served]) -> None:
    clear = {"dag_run_id": "none", "dry_run": True}
    found = {
        role: status(person, "POST", "dags/nightly/clearTaskInstances", clear)
        for role, person in people.items()
    }
    assert found == {"Viewer": FORBIDDEN, "operator": MISSING, "finance_approver": FORBIDDEN}
    wrong = {"dag_run_id": "none", "logical_date": None, "conf": {"business_date": "yesterday"}}
    found = {
        role: status(person, "POST", "dags/nightly/dagRuns", wrong)
        for role, person in people.items()
    }
    assert found == {"Viewer": FORBIDDEN, "operator": 400, "finance_approver": FORBIDDEN}


@pytest.mark.long
def test_everybody_sees_the_nights(people: dict[str, Served]) -> None:
    assert {status(person, "GET", "dags/nightly/dagRuns") for person in people.values()} == {200}
