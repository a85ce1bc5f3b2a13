"""A standalone cluster of Apache Spark on this machine: a master, two workers, and a Spark Connect server before them.

`python -m bench.cluster COMMAND ...` runs a command with STEDI_ENGINE set to it.
"""

import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pyspark

from stedi_dagster.engines.spark import LocalSpark, find_java

_STARTS_WITHIN = 600
_ENDS_WITHIN = 5
_WORKERS = 2
_HERE = "127.0.0.1"


class ClusterError(Exception):
    """The cluster did not come up."""


@contextmanager
def cluster(folder: Path, *, memory_mb: int = 1074) -> Iterator[str]:
    """Start one, and yield the sc:// URL of the server.

    Args:
        folder: for logs, and for what the workers write.
        memory_mb: the megabytes of each worker, and of the server.

    Raises:
        ClusterError: it did not come up.
        EngineError: there is no Java for it.
    """
    java_home = find_java()
    port, web = free_port(), free_port()
    master = f"spark://{_HERE}:{port}"
    where = ("--host", _HERE)
    with ExitStack() as running:
        ports = ("--port", str(port), "--webui-port", str(web))
        running.enter_context(_daemon(java_home, folder, "master.Master", *where, *ports))
        for number in range(_WORKERS):
            own = ("--webui-port", str(free_port()), "--work-dir", f"{folder}/{number}")
            means = (*where, "--cores", "1", "--memory", f"{memory_mb * 1_000_000 >> 20}m", *own, master)
            running.enter_context(_daemon(java_home, folder, "worker.Worker", *means))
        _wait_for_workers(f"http://{_HERE}:{web}/json/")
        yield running.enter_context(LocalSpark(master=master, memory_mb=memory_mb).serving())


@contextmanager
def _daemon(java_home: str, folder: Path, name: str, *arguments: str) -> Iterator[None]:
    """A process of a standalone cluster."""
    program = str(Path(pyspark.__file__).parent / "bin" / "spark-class")
    environment = os.environ | {"JAVA_HOME": java_home, "SPARK_LOCAL_IP": _HERE, "SPARK_LOCAL_DIRS": str(folder)}
    with (folder / f"{name}-{free_port()}.log").open("wb") as log:
        process = subprocess.Popen(
            [program, f"org.apache.spark.deploy.{name}", *arguments],
            cwd=folder,
            env=environment,
            stdout=log,
            stderr=log,
        )
        try:
            yield
        finally:
            process.terminate()
            try:
                process.wait(_ENDS_WITHIN)
            except subprocess.TimeoutExpired:
                # A worker that loses its master while it ends waits for ever.
                process.kill()
                process.wait()


def free_port() -> int:
    """A port of this machine that nobody uses."""
    with socket.socket() as probe:
        probe.bind((_HERE, 0))
        port: int = probe.getsockname()[1]
        return port


def _wait_for_workers(url: str) -> None:
    deadline = time.monotonic() + _STARTS_WITHIN
    while time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(url) as answer:  # noqa: S310 - an address of this machine
                if answer.read().count(b'"state" : "ALIVE"') == _WORKERS:
                    return
        except OSError:
            pass  # not up yet
        time.sleep(0.2)
    raise ClusterError(f"The cluster did not come up within {_STARTS_WITHIN} s.")


if __name__ == "__main__":
    with (
        tempfile.TemporaryDirectory(prefix="stedi-cluster-") as scratch,
        cluster(Path(scratch), memory_mb=2147) as server,
    ):
        sys.exit(subprocess.run(sys.argv[1:], env=os.environ | {"STEDI_ENGINE": server}, check=False).returncode)
