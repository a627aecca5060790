"""Airflow as `make airflow` serves it, in a folder of its own, asked through its public API."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from tempfile import gettempdir
from typing import Any
from urllib.request import Request, urlopen

from dags.pipeline import PROJECT

SECONDS_TO_SERVE = 900.0  # on a busy machine the roles alone take minutes
SECONDS_TO_STOP = 60.0


@dataclass
class Served:
    """Services of Airflow that run; `process` is the one that started them."""

    process: subprocess.Popen[bytes]
    url: str
    token: str

    def ask(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """One request; HTTPError if it is refused."""
        return _request(method, f"{self.url}/api/v2/{path}", body, self.token)

    def as_person(self, role: str) -> "Served":
        """The same services as a new person of this role sees them."""
        person = {"username": f"a-{role}".lower(), "password": "for this machine only"}
        known = {"first_name": role, "last_name": "Person", "email": f"{role}@example.com"}
        body = {**person, **known, "roles": [{"name": role}]}
        _request("POST", f"{self.url}/auth/fab/v1/users", body, self.token)
        return Served(self.process, self.url, token_of(self.url, person))

    def switch_on(self, *dags: str) -> None:
        """Let DAGs run; waits until Airflow has read them."""
        until = time.monotonic() + SECONDS_TO_SERVE
        for dag in dags:
            while time.monotonic() < until:
                try:
                    self.ask("PATCH", f"dags/{dag}", {"is_paused": False})
                    break
                except OSError:
                    time.sleep(1)

    def trigger(
        self, dag: str, run: str, conf: Mapping[str, Any], begun: datetime | None = None
    ) -> None:
        """Start a run of a DAG, if need be as one that began at another time."""
        logical_date = begun.isoformat() if begun else None
        body = {"dag_run_id": run, "logical_date": logical_date, "conf": conf}
        self.ask("POST", f"dags/{dag}/dagRuns", body)

    def runs(self, dag: str) -> dict[str, dict[str, Any]]:
        """The runs of a DAG by their ids."""
        found = self.ask("GET", f"dags/{dag}/dagRuns?limit=100")
        return {run["dag_run_id"]: run for run in found["dag_runs"]}

    def tasks(self, dag: str, run: str) -> dict[str, dict[str, Any]]:
        """The tasks of a run by their names."""
        found = self.ask("GET", f"dags/{dag}/dagRuns/{run}/taskInstances?limit=100")
        return {task["task_id"]: task for task in found["task_instances"]}


def token_of(url: str, person: Mapping[str, str]) -> str:
    """What a person shows to the API: of `username` and `password`."""
    return str(_request("POST", f"{url}/auth/token", person)["access_token"])


def _request(
    method: str, url: str, body: Mapping[str, Any] | None, token: str = ""
) -> dict[str, Any]:
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {token}"}
    content = None if body is None else json.dumps(body).encode()
    request = Request(url, content, headers, method=method)  # noqa: S310 - our own loopback address
    with urlopen(request, timeout=60) as answer:  # noqa: S310
        found: dict[str, Any] = json.load(answer)
        return found


@contextmanager
def served(home: Path, lake: Path, keys: Path, port: int) -> Iterator[Served]:
    """Airflow with PostgreSQL on a lake, until the block ends. `home` lies in no folder of pytest:
    each of its runs closes them to everybody else, PostgreSQL's user among them.
    """
    for folder in home.parents:
        if Path(gettempdir()) in folder.parents:
            folder.chmod(folder.stat().st_mode | 0o011)
    own = {"AIRFLOW_HOME": str(home), "LAKE_ROOT": str(lake), "KEYS_FILE": str(keys)}
    command = [sys.executable, "-m", "dags", "airflow", "--port", str(port), "--db", "postgres"]
    with subprocess.Popen(
        command, cwd=PROJECT, env={**os.environ, **own}, stdout=subprocess.PIPE
    ) as process:
        try:
            for line in process.stdout or ():
                if b"http://" in line:
                    break
            else:
                raise RuntimeError(f"Airflow is not served; logs: {home}/*.log")
            url = f"http://127.0.0.1:{port}"
            person = {"username": "admin", "password": (home / "admin.password").read_text()}
            yield Served(process, url, token_of(url, person))
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(SECONDS_TO_STOP)
