"""Airflow's own services on this machine, bound to loopback: what `make airflow` starts.

`airflow standalone` is not used: it starts log servers on all addresses of the machine and leaves
children behind when it is stopped. Here every service is a process group that ends with this one.
"""

import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from http.client import HTTPConnection, HTTPException
from pathlib import Path

from dags import postgres
from dags.pipeline import PROJECT
from dags.runner import Trouble
from dags.takeover import end_holders, holders

ADDRESS = "127.0.0.1"
API_SERVER = "api-server"
LOCK = "services.lock"  # held open by all that the services start
SECONDS_TO_START = 120
SECONDS_TO_STOP = 20
POOLS = PROJECT / "dags" / "pools.json"
ROLES = PROJECT / "dags" / "roles.json"
WITH_ROLES = "airflow.providers.fab.auth_manager.fab_auth_manager.FabAuthManager"
PASSWORDS = "simple_auth_manager_passwords.json.generated"


def airflow_environment(home: Path, port: int = 8080) -> dict[str, str]:
    """Airflow's settings for this project with its state in `home`; the tests use them too."""
    return {
        "AIRFLOW_HOME": str(home),
        "PYTHONPATH": str(PROJECT),
        "AIRFLOW__API__BASE_URL": f"http://{ADDRESS}:{port}",
        "AIRFLOW__API__EXPOSE_CONFIG": "False",
        "AIRFLOW__CORE__DAGS_FOLDER": str(PROJECT / "dags"),
        "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "True",
        "AIRFLOW__CORE__EXECUTOR": "LocalExecutor",
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__PARALLELISM": "2",
        "AIRFLOW__SCHEDULER__SCHEDULER_IDLE_SLEEP_TIME": "0.2",  # a night is a chain of short steps
        "AIRFLOW__WORKERS__EXECUTION_API_RETRIES": "10",  # of a task, while the API server is busy
        "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False",
    }


def serve(home: Path, port: int, is_on_postgres: bool = False) -> int:
    """Run the services until Ctrl-C; Trouble if Airflow is missing or one ends by itself.

    Their database is SQLite, with one user who may do everything. Or it is a PostgreSQL server of
    their own, with users who have roles (`dags/roles.json`), as in production.
    """
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    environment = {**os.environ, **airflow_environment(home, port)}
    running: dict[str, subprocess.Popen[bytes]] = {}
    with _alone(home) as lock:
        _check_free(port)
        try:
            if is_on_postgres:
                print("Airflow: starting PostgreSQL …", flush=True)
                server = postgres.prepare(home)
                running["postgres"] = server.start(home / "postgres.log", lock)
                server.make_database(home / "postgres.log")
                environment["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"] = server.url
                environment["AIRFLOW__CORE__AUTH_MANAGER"] = WITH_ROLES
            environment["AIRFLOW__API_AUTH__JWT_SECRET"] = _kept(home / "jwt.secret", 64)
            print("Airflow: preparing its database …", flush=True)
            password = _prepare(environment, home, is_on_postgres)
            for name, command in services_of(home, port).items():
                running[name] = _start(command, environment, home / f"{name}.log", lock)
                if name == API_SERVER:  # a task that does not reach it has failed
                    _wait_until(running, port, home, b'"healthy"')
            _wait_until(running, port, home)
            print(f"Airflow: http://{ADDRESS}:{port}   user admin, password in {password}")
            print(
                f"Airflow: logs of its services in {home}/*.log; Ctrl-C stops all of them",
                flush=True,
            )
            while True:
                _check_alive(running, home)
                time.sleep(1)
        except KeyboardInterrupt:
            return 0
        finally:
            print("Airflow: stopping …", flush=True)
            _stop(running)
            end_holders(home / LOCK)  # steps at work; their tasks are tried again


def services_of(home: Path, port: int) -> dict[str, list[str]]:
    """The command of each service. The LocalExecutor lives in the scheduler, so that is where the
    steps of a night find a warm process.
    """
    airflow = [sys.executable, "-m", "airflow"]
    beside = [sys.executable, "-m", "dags", "beside", "--socket", str(home / "warm.sock")]
    return {
        API_SERVER: [*airflow, "api-server", "--host", ADDRESS, "--port", str(port)],
        "scheduler": [*beside, *airflow, "scheduler", "--skip-serve-logs"],
        "dag-processor": [*airflow, "dag-processor"],
        "triggerer": [*airflow, "triggerer", "--skip-serve-logs"],
    }


@contextmanager
def _alone(home: Path) -> Iterator[int]:
    """Hold the state of Airflow for these services, which inherit the file descriptor; Trouble if
    others run. What a killed run of them has left behind is ended.
    """
    path = home / LOCK
    with path.open("a+", encoding="utf-8") as file:
        file.seek(0)
        before = file.read().strip()
        if before and int(before) in holders(path):
            raise Trouble(f"Airflow runs already (process {before}) with {home}; stop it first")
        end_holders(path)
        file.truncate(0)
        file.write(f"{os.getpid()}\n")
        file.flush()
        yield file.fileno()


def _check_free(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((ADDRESS, port))
        except OSError as error:
            raise Trouble(f"port {port} of {ADDRESS} is in use; choose another: PORT=…") from error


def _prepare(environment: dict[str, str], home: Path, has_roles: bool) -> Path:
    """Bring the tables up to date, make the pools, and with roles these and an administrator; the
    file with the administrator's password.
    """
    log = home / "prepare.log"
    log.write_bytes(b"")
    _airflow(["db", "migrate"], environment, log)
    _airflow(["pools", "import", str(POOLS)], environment, log)
    if not has_roles:
        return home / PASSWORDS
    done, roles = home / "roles.done", ROLES.read_text(encoding="utf-8")
    is_new = not done.exists()
    if is_new or done.read_text(encoding="utf-8") != roles:  # it takes a while
        _airflow(["roles", "import", str(ROLES)], environment, log)
    if is_new:
        person = "--firstname Data --lastname Team --email data-team@example.com"
        password = _kept(home / "admin.password", 16)
        user = ["--role", "Admin", "--username", "admin", "--password", password, *person.split()]
        _airflow(["users", "create", *user], environment, log)
    done.write_text(roles, encoding="utf-8")
    return home / "admin.password"


def _kept(path: Path, length: int) -> str:
    """A secret of its own for this state of Airflow: made once, and then the one in the file."""
    if not path.exists():
        path.touch(mode=0o600)
        path.write_text(secrets.token_urlsafe(length), encoding="utf-8")
    return path.read_text(encoding="utf-8")


def _airflow(arguments: list[str], environment: dict[str, str], log: Path) -> None:
    """One command of Airflow; Trouble if it fails."""
    with log.open("ab") as output:
        done = subprocess.run(
            [sys.executable, "-m", "airflow", *arguments],
            env=environment, stdout=output, stderr=output, check=False,
        )  # fmt: skip
    if done.returncode:
        raise Trouble(
            f"Airflow's database cannot be prepared; log: {log} (make airflow installs Airflow)"
        )


def _start(
    command: list[str], environment: dict[str, str], log: Path, lock: int
) -> subprocess.Popen[bytes]:
    with log.open("wb") as output:
        return subprocess.Popen(
            command,
            env=environment,
            cwd=PROJECT,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
            pass_fds=[lock],
        )


def _wait_until(
    running: dict[str, subprocess.Popen[bytes]], port: int, home: Path, said: bytes = b""
) -> None:
    """Wait until the page of the services' health says so, or without that no service is unhealthy;
    Trouble if it does not come to that.
    """
    deadline = time.monotonic() + SECONDS_TO_START
    while time.monotonic() < deadline:
        _check_alive(running, home)
        with suppress(HTTPException, OSError), closing(HTTPConnection(ADDRESS, port, 5)) as server:
            server.request("GET", "/api/v2/monitor/health")
            health = server.getresponse().read()
            if said in health if said else b'"unhealthy"' not in health:
                return
        time.sleep(1)
    raise Trouble(
        f"Airflow's services are not healthy after {SECONDS_TO_START} s; logs: {home}/*.log"
    )


def _check_alive(running: dict[str, subprocess.Popen[bytes]], home: Path) -> None:
    for name, process in running.items():
        if process.poll() is not None:
            raise Trouble(
                f"Airflow's {name} ended with status {process.returncode}; log: {home / name}.log"
            )


def _stop(running: dict[str, subprocess.Popen[bytes]]) -> None:
    """Ask every process group to end, and end those that do not; the database comes last."""
    server = running.pop("postgres", None)
    _end(running, signal.SIGTERM)
    if server:
        _end({"postgres": server}, signal.SIGINT)  # to PostgreSQL that is: at once, in good order


def _end(running: dict[str, subprocess.Popen[bytes]], request: signal.Signals) -> None:
    deadline = time.monotonic() + SECONDS_TO_STOP
    for number in (request, signal.SIGKILL):
        for process in running.values():
            with suppress(ProcessLookupError):
                os.killpg(process.pid, number)
        for process in running.values():
            with suppress(subprocess.TimeoutExpired):
                process.wait(max(0.1, deadline - time.monotonic()))
