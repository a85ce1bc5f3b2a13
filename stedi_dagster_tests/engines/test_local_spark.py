"""Apache Spark's server as a process: Java is looked for first, and nothing of it is left."""

import os
import shlex
import stat
import sys
import time
from pathlib import Path

import pyspark
import pytest

from stedi_dagster.engines import spark as module
from stedi_dagster.engines.remote import Remote
from stedi_dagster.engines.spark import LocalSpark, find_java
from stedi_dagster.errors import EngineError

pytestmark = pytest.mark.long

# Stands for bin/spark-submit: {then} is what it does with its `port`.
SERVER = """
import re, signal, socket, sys, time
port = int(re.search(r"binding[.]port=([0-9]+)", " ".join(sys.argv))[1])
{then}
"""
LISTEN = 'server = socket.create_server(("127.0.0.1", port)); time.sleep(600)'


def script(path: Path, text: str, interpreter: str = "/bin/sh") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!{interpreter}\n{text}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)


@pytest.fixture
def java(tmp_path, monkeypatch):
    """Put a Java that says this of itself on the PATH, and no other."""

    def install(says):
        script(tmp_path / "jdk" / "bin" / "java", f"echo {shlex.quote(says)} >&2")
        monkeypatch.setenv("PATH", f"{tmp_path}/jdk/bin:/usr/bin:/bin")
        monkeypatch.delenv("JAVA_HOME", raising=False)
        return tmp_path / "jdk"

    return install


@pytest.fixture
def serving(java, tmp_path, monkeypatch):
    """A local Spark whose server does as it is told; the server's port is in its URL."""
    java('openjdk version "17.0.15" 2025-04-15')
    monkeypatch.setattr(pyspark, "__file__", str(tmp_path / "pyspark" / "__init__.py"))
    monkeypatch.setattr(module, "_STOP_SECONDS", 1.0)

    def prepare(then):
        script(tmp_path / "pyspark" / "bin" / "spark-submit", SERVER.format(then=then), sys.executable)
        return LocalSpark().serving()

    return prepare


def processes(mentioning: str) -> list[str]:
    """The command lines of living processes that hold this text."""
    lines = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            lines.append(path.read_bytes().replace(b"\0", b" ").decode(errors="replace"))
        except OSError:
            continue
    return [line for line in lines if mentioning in line]


def servers(url: str) -> list[str]:
    """The processes of the server at this URL; not the shell that guards it, which may be dying still."""
    lines = processes(f"grpc.binding.port={url.rsplit(':', maxsplit=1)[-1]} ")
    return [line for line in lines if not line.startswith("sh ")]


def die_out(mentioning: str) -> bool:
    """Whether no process that holds this text is left, as soon as the kernel has done with those that were killed."""
    deadline = time.monotonic() + 600
    while processes(mentioning):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True


needs_proc = pytest.mark.skipif(not Path("/proc/self/cmdline").exists(), reason="needs /proc")


@pytest.mark.parametrize("version", ["17.0.15", "21", "21.0.2-ea"])
def test_java_17_and_21_will_do(java, version):
    home = java(f'openjdk version "{version}" 2025-04-15\nOpenJDK Runtime Environment')
    assert find_java() == str(home)


@pytest.mark.parametrize(
    ("says", "is_java"),
    [
        ('openjdk version "11.0.2" 2019-01-15', "is Java 11"),
        ('java version "24" 2025-03-18', "is Java 24"),
        ("The operation couldn't be completed. Unable to locate a Java Runtime.", "is Java unknown"),
        ("", "is Java unknown"),
    ],
)
def test_another_java_is_named_with_what_to_do(java, says, is_java):
    home = java(says)
    with pytest.raises(EngineError) as raised:
        find_java()
    message = str(raised.value)
    assert f"needs Java 17 or 21, and {home}/bin/java {is_java}" in message
    assert "JAVA_HOME" in message
    assert "STEDI_ENGINE=sail" in message


def test_no_java_is_said_in_one_sentence_with_what_to_do(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("JAVA_HOME", raising=False)
    with pytest.raises(EngineError, match=r"needs Java 17 or 21, and none is on the PATH\. .* STEDI_ENGINE=sail"):
        find_java()


def test_java_home_wins_over_the_path_even_where_it_holds_none(java, monkeypatch, tmp_path):
    home = java('openjdk version "17.0.15"')
    monkeypatch.setenv("JAVA_HOME", str(tmp_path / "nowhere"))
    with pytest.raises(EngineError, match=r"JAVA_HOME \(.*nowhere\) holds none"):
        find_java()
    monkeypatch.setenv("JAVA_HOME", str(home))
    monkeypatch.setenv("PATH", str(tmp_path))
    assert find_java() == str(home)


def test_a_java_that_is_linked_to_is_found_where_it_lives(java, monkeypatch, tmp_path):
    home = java('openjdk version "21.0.1"')
    (tmp_path / "links").mkdir()
    (tmp_path / "links" / "java").symlink_to(home / "bin" / "java")
    monkeypatch.setenv("PATH", f"{tmp_path}/links:/usr/bin:/bin")
    assert find_java() == str(home)


def test_without_a_java_no_server_is_started(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setattr("subprocess.Popen", lambda *_, **__: pytest.fail("a server was started"))
    with pytest.raises(EngineError, match="needs Java"), LocalSpark().session():
        pytest.fail("there is no session")


@needs_proc
def test_the_server_runs_while_it_is_used_and_then_no_more(serving):
    with serving(LISTEN) as url:
        assert len(servers(url)) == 1
    assert servers(url) == []


@needs_proc
def test_the_server_is_stopped_when_the_work_fails(serving):
    with pytest.raises(ZeroDivisionError), serving(LISTEN) as url:
        raise ZeroDivisionError
    assert servers(url) == []


@needs_proc
def test_a_server_that_takes_its_time_to_stop_is_waited_for(serving):
    slowly = "signal.signal(signal.SIGTERM, lambda *_: (time.sleep(0.4), sys.exit()))"
    with serving(f"{slowly}\n{LISTEN}") as url:
        pass
    assert servers(url) == []


@needs_proc
def test_a_server_that_does_not_stop_is_killed(serving):
    with serving(f"signal.signal(signal.SIGTERM, signal.SIG_IGN)\n{LISTEN}") as url:
        pass
    assert die_out(f"grpc.binding.port={url.rsplit(':', maxsplit=1)[-1]} ")


def test_a_server_that_ends_at_once_is_an_engine_error_with_its_last_words(serving):
    with pytest.raises(EngineError, match=r"did not start: .*no memory left"), serving('sys.exit("no memory left")'):
        pytest.fail("there is no server")


@needs_proc
def test_a_server_that_never_answers_is_given_up_and_stopped(serving, monkeypatch, tmp_path):
    monkeypatch.setattr(module, "_START_SECONDS", 0.5)
    with pytest.raises(EngineError, match="did not answer"), serving("time.sleep(600)"):
        pytest.fail("there is no server")
    assert die_out(str(tmp_path))


def test_the_scratch_folder_goes_with_the_server(serving, monkeypatch, tmp_path):
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(scratch))
    with serving(LISTEN):
        assert len(os.listdir(scratch)) == 1  # noqa: PTH208 - one call on one folder
    assert list(scratch.iterdir()) == []


@needs_proc
@pytest.mark.java
def test_apache_spark_works_and_leaves_no_process_when_the_work_fails(java):
    urls: list[str] = []

    def work() -> None:
        with LocalSpark(memory_mb=1100).serving() as url, Remote(url).session() as session:
            urls.append(url)
            assert session.range(3).count() == 3
            assert servers(url) != []
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        work()
    assert servers(urls[0]) == []
