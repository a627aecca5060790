"""A Spark cluster on this machine: a master and some workers, each a process of its own.

For trying out what a team's cluster does; docs/scale-out.md says how to use a real one.
"""

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

from dags.engine import SPARK_CONF
from dags.runner import Trouble

HOST = "127.0.0.1"
SECONDS_TO_START = 30.0


@contextmanager
def cluster(worker_count: int, memory: str) -> Iterator[list[subprocess.Popen[bytes]]]:
    """Start a cluster, make it the one that SPARK_CONF_DIR names, stop it afterwards.

    `memory` is that of each worker, as Java writes it; each has one core. Yields the workers'
    processes. Trouble if the master does not answer.
    """
    own_conf = Path(os.environ["SPARK_CONF_DIR"])
    started: list[subprocess.Popen[bytes]] = []
    with tempfile.TemporaryDirectory(prefix="onemember-cluster-") as name:
        folder = Path(name)
        try:
            port = _free_port()
            url = f"spark://{HOST}:{port}"
            address = ["--host", HOST, "--webui-port", "0"]
            started.append(_start("master.Master", [*address, "--port", str(port)], folder))
            _wait_for(port)
            size = ["--cores", "1", "--memory", memory, "--work-dir", str(folder)]
            workers = [
                _start("worker.Worker", [*address, *size, url], folder) for _ in range(worker_count)
            ]
            started += workers
            shutil.copytree(own_conf, folder / "conf")
            with (folder / "conf" / SPARK_CONF).open("a", encoding="utf-8") as conf:
                conf.write(f"\nspark.master {url}\n")
                conf.write(f"spark.executor.cores 1\nspark.executor.memory {memory}\n")
            os.environ["SPARK_CONF_DIR"] = str(folder / "conf")
            yield workers
        finally:
            os.environ["SPARK_CONF_DIR"] = str(own_conf)
            for process in reversed(started):
                process.terminate()
                process.wait()


def _start(role: str, arguments: list[str], folder: Path) -> subprocess.Popen[bytes]:
    """One daemon of the cluster; what it says goes into a file of the folder."""
    pyspark = find_spec("pyspark")
    assert pyspark is not None, "check_engine has found it"
    assert pyspark.origin is not None, "it is a package"
    spark_class = Path(pyspark.origin).parent / "bin" / "spark-class"
    with (folder / f"{role}.log").open("ab") as log:
        return subprocess.Popen(
            [str(spark_class), f"org.apache.spark.deploy.{role}", *arguments],
            stdout=log,
            stderr=log,
        )


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def _wait_for(port: int) -> None:
    deadline = time.monotonic() + SECONDS_TO_START
    while time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex((HOST, port)) == 0:
                return
        time.sleep(0.2)
    raise Trouble(f"Spark's master does not answer on {HOST}:{port}")
