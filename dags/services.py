"""Airflow's own services on this machine, bound to loopback: what `make airflow` starts.

`airflow standalone` is not used: it starts log servers on all addresses of the machine and leaves
children behind when it is stopped. Here every service is a process group that ends with this one.
"""

import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import closing, suppress
from http.client import HTTPConnection, HTTPException
from pathlib import Path

from dags.pipeline import PROJECT
from dags.runner import Trouble

ADDRESS = "127.0.0.1"
SECONDS_TO_START = 120
SECONDS_TO_STOP = 20
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
        "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False",
    }


def serve(home: Path, port: int) -> int:
    """Run the services until Ctrl-C; Trouble if Airflow is missing or one ends by itself."""
    services = {
        "api-server": ["api-server", "--host", ADDRESS, "--port", str(port)],
        "scheduler": ["scheduler", "--skip-serve-logs"],
        "dag-processor": ["dag-processor"],
        "triggerer": ["triggerer", "--skip-serve-logs"],
    }
    _check_free(port)
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    environment = {**os.environ, **airflow_environment(home, port)}
    print("Airflow: preparing its database …", flush=True)
    _migrate(environment, home)
    running: dict[str, subprocess.Popen[bytes]] = {}
    try:
        for name, arguments in services.items():
            running[name] = _start(arguments, environment, home / f"{name}.log")
        _wait_until_healthy(running, port, home)
        print(f"Airflow: http://{ADDRESS}:{port}   user admin, password in {home / PASSWORDS}")
        print(
            f"Airflow: logs of its services in {home}/*.log; Ctrl-C stops all of them", flush=True
        )
        while True:
            _check_alive(running, home)
            time.sleep(1)
    except KeyboardInterrupt:
        return 0
    finally:
        print("Airflow: stopping …", flush=True)
        _stop(running)


def _check_free(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((ADDRESS, port))
        except OSError as error:
            raise Trouble(f"port {port} of {ADDRESS} is in use; choose another: PORT=…") from error


def _migrate(environment: dict[str, str], home: Path) -> None:
    log = home / "migrate.log"
    with log.open("wb") as output:
        command = [sys.executable, "-m", "airflow", "db", "migrate"]
        if subprocess.run(
            command, env=environment, stdout=output, stderr=output, check=False
        ).returncode:
            raise Trouble(
                f"Airflow's database cannot be prepared; log: {log} (make airflow installs Airflow)"
            )


def _start(arguments: list[str], environment: dict[str, str], log: Path) -> subprocess.Popen[bytes]:
    with log.open("wb") as output:
        return subprocess.Popen(
            [sys.executable, "-m", "airflow", *arguments],
            env=environment,
            cwd=PROJECT,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )


def _wait_until_healthy(running: dict[str, subprocess.Popen[bytes]], port: int, home: Path) -> None:
    deadline = time.monotonic() + SECONDS_TO_START
    while time.monotonic() < deadline:
        _check_alive(running, home)
        with suppress(HTTPException, OSError), closing(HTTPConnection(ADDRESS, port, 5)) as server:
            server.request("GET", "/api/v2/monitor/health")
            if b'"unhealthy"' not in server.getresponse().read():
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
    """Ask every process group to end, and end those that do not."""
    deadline = time.monotonic() + SECONDS_TO_STOP
    for number in (signal.SIGTERM, signal.SIGKILL):
        for process in running.values():
            with suppress(ProcessLookupError):
                os.killpg(process.pid, number)
        for process in running.values():
            with suppress(subprocess.TimeoutExpired):
                process.wait(max(0.1, deadline - time.monotonic()))
