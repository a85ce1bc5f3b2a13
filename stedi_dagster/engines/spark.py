"""Apache Spark on this machine: its Spark Connect server in a separate process, stopped with the run.

A process rather than a `local[*]` session in this one, so that two engines can exist side by side in one Python.
"""

import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from stedi_dagster.engines.base import Server
from stedi_dagster.errors import EngineError

# https://spark.apache.org/docs/4.0.0/: "Spark runs on Java 17/21".
_JAVA_VERSIONS = (17, 21)
_START_SECONDS = 90.0
# Ends the server when this process ends: the pipe to `cat` then closes, even after a kill. The guard itself ends only
# after the server, also when all of them get the signal (then the first `wait` is cut short).
_GUARD = """
trap : TERM
exec 3<&0
"$@" 3<&- &
server=$!
{ cat <&3 >/dev/null; kill $server; } &
wait $server
wait $server
kill -KILL 0
"""
_STOP_SECONDS = 10.0
DEFAULT_MEMORY_MB = 2147


class LocalSpark(Server):
    """A Spark Connect server with `--master local[*]` on a free port of the loopback address."""

    def __init__(self, master: str = "local[*]", *, memory_mb: int = DEFAULT_MEMORY_MB) -> None:
        self._master = master
        self._memory_mb = memory_mb

    @contextmanager
    def serving(self) -> Iterator[str]:
        """See `Server.serving`."""
        java_home = find_java()
        port = _free_port()
        with tempfile.TemporaryDirectory(prefix="stedi-spark-") as scratch:
            log = Path(scratch) / "server.log"
            with log.open("wb") as output:
                process = subprocess.Popen(
                    self._command(port, scratch),
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    stdin=subprocess.PIPE,
                    cwd=scratch,
                    env=os.environ | {"JAVA_HOME": java_home, "SPARK_LOCAL_IP": "127.0.0.1"},
                    start_new_session=True,
                )
            try:
                _wait_until_serving(process, port, log)
                yield f"sc://127.0.0.1:{port}"
            finally:
                _stop(process)

    def _command(self, port: int, scratch: str) -> list[str]:
        import pyspark

        spark_home = Path(pyspark.__file__).parent
        conf = {
            "spark.connect.grpc.binding.address": "127.0.0.1",
            "spark.connect.grpc.binding.port": str(port),
            "spark.ui.enabled": "false",
            "spark.sql.warehouse.dir": f"{scratch}/spark-warehouse",
            "spark.local.dir": scratch,
            # The tables are too small for the default of 200 partitions, and a run has one session.
            "spark.sql.shuffle.partitions": str(os.cpu_count() or 2),
            # Planning anew between the stages of a query, on one machine, costs more than it saves.
            "spark.sql.adaptive.enabled": "false",
            # Throughput counts, not pauses.
            "spark.driver.extraJavaOptions": "-XX:+UseParallelGC",
        }
        return [
            *("sh", "-c", _GUARD, "sh"),
            str(spark_home / "bin" / "spark-submit"),
            *("--master", self._master, "--driver-memory", f"{self._memory_mb * 1_000_000 >> 20}m"),
            *("--class", "org.apache.spark.sql.connect.service.SparkConnectServer"),
            *(part for key, value in conf.items() for part in ("--conf", f"{key}={value}")),
            "spark-internal",
        ]


def find_java() -> str:
    """The JAVA_HOME of a Java that Apache Spark 4.0 runs on.

    Raises:
        EngineError: there is none, or it has another version.
    """
    wanted = " or ".join(str(version) for version in _JAVA_VERSIONS)
    named = os.environ.get("JAVA_HOME")
    java = shutil.which("java", path=f"{named}/bin") if named else shutil.which("java")
    if java is None:
        place = f"JAVA_HOME ({named}) holds none" if named else "none is on the PATH"
        raise EngineError(
            f"STEDI_ENGINE=spark needs Java {wanted}, and {place}. Install one, or use STEDI_ENGINE=sail, "
            "which needs no Java."
        )
    output = subprocess.run([java, "-version"], capture_output=True, text=True, check=False, timeout=60).stderr
    version = re.search(r'version "(\d+)', output)
    if version is None or int(version[1]) not in _JAVA_VERSIONS:
        raise EngineError(
            f"STEDI_ENGINE=spark needs Java {wanted}, and {java} is Java {version[1] if version else 'unknown'}. "
            "Point JAVA_HOME at a suitable one, or use STEDI_ENGINE=sail, which needs no Java."
        )
    return str(Path(java).resolve().parent.parent)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _wait_until_serving(process: "subprocess.Popen[bytes]", port: int, log: Path) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            tail = " | ".join(log.read_text(errors="replace").splitlines()[-5:])
            raise EngineError(f"The local Apache Spark server did not start: {tail}")
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.1)
    raise EngineError(f"The local Apache Spark server did not answer within {_START_SECONDS:.0f} s.")


def _stop(process: "subprocess.Popen[bytes]") -> None:
    # Stop the whole group: spark-submit is a shell script around the JVM.
    for signal_number, patience in ((signal.SIGTERM, _STOP_SECONDS), (signal.SIGKILL, None)):
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal_number)
        try:
            process.wait(timeout=patience)
        except subprocess.TimeoutExpired:
            continue
        return
