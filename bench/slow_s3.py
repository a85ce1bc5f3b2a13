"""Runs the platform on a simulated S3 that answers slowly: `python -m bench.slow_s3` prints seconds and requests.

Each request waits, so that what is asked one after the other shows. The simulation (moto) is slow itself: it takes some
milliseconds of a core for each request.
"""

import asyncio
import os
import shutil
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Annotated, Any

import boto3
import typer
from botocore.config import Config
from botocore.exceptions import EndpointConnectionError

from bench.cluster import free_port
from bench.contenders import STEDI_COMMAND
from bench.data import WORK
from stedi_dagster.sample import generate

_REGION, _BUCKET = "eu-central-1", "stedi-bench"
_METHODS = (b"GET", b"HEAD", b"PUT", b"POST", b"DELETE")
_BLOCK = 1 << 16
_STARTS_WITHIN = 60
_UPLOADS = 16
_HOME = WORK / "out" / "slow-s3"


class SlowWay:
    """A way to a server that delays each request, and counts them by their method."""

    def __init__(self, port: int, seconds: float) -> None:
        self.requests: Counter[str] = Counter()
        self._port = port
        self._seconds = seconds

    @contextmanager
    def open(self) -> Iterator[str]:
        """Yield the address."""
        loop = asyncio.new_event_loop()
        thread = threading.Thread(target=loop.run_forever, daemon=True)
        thread.start()
        server = asyncio.run_coroutine_threadsafe(asyncio.start_server(self._relay, "127.0.0.1", 0), loop).result()
        try:
            yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        finally:
            loop.call_soon_threadsafe(server.close)
            loop.call_soon_threadsafe(loop.stop)
            thread.join()

    async def _relay(self, client: asyncio.StreamReader, answers: asyncio.StreamWriter) -> None:
        server, requests = await asyncio.open_connection("127.0.0.1", self._port)
        await asyncio.gather(self._forward(client, requests, delayed=True), self._forward(server, answers))

    async def _forward(
        self, source: asyncio.StreamReader, target: asyncio.StreamWriter, *, delayed: bool = False
    ) -> None:
        try:
            while block := await source.read(_BLOCK):
                method = block.split(b" ", 1)[0]
                if delayed and method in _METHODS:
                    self.requests[method.decode()] += 1
                    await asyncio.sleep(self._seconds)
                target.write(block)
                await target.drain()
        except ConnectionError:
            pass  # whoever was there has what it came for
        finally:
            target.close()


def main(
    objects: Annotated[int, typer.Option(help="Small objects, of one accelerometer reading each.")] = 2000,
    milliseconds: Annotated[float, typer.Option(help="By how much each request is delayed.")] = 30,
) -> None:
    """Land many small objects, then run again with nothing new."""
    port = free_port()
    WORK.mkdir(parents=True, exist_ok=True)
    # Of another account, whose tables are gone with it.
    shutil.rmtree(_HOME, ignore_errors=True)
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    with (WORK / "moto.log").open("wb") as log:
        server = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        _fill(f"http://127.0.0.1:{port}", objects)
        way = SlowWay(port, milliseconds / 1000)
        with way.open() as url:
            for what in (f"{objects:,} small objects", "nothing new"):
                way.requests.clear()
                start = time.monotonic()
                _run(url)
                asked = ", ".join(f"{number:,} {method}" for method, number in way.requests.most_common())
                typer.echo(f"{what}: {time.monotonic() - start:.1f} s; {way.requests.total():,} requests ({asked})")
    finally:
        server.terminate()
        server.wait()


def _environment(url: str) -> dict[str, str]:
    return {
        # boto3 takes the first name, Sail the other two.
        "AWS_ENDPOINT_URL": url,
        "AWS_ENDPOINT": url,
        "AWS_ALLOW_HTTP": "true",
        "AWS_REGION": _REGION,
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_EC2_METADATA_DISABLED": "true",
    }


def _fill(url: str, objects: int) -> None:
    sample = WORK / "small-sample"
    if not sample.is_dir():
        generate(sample, scale=0.01)
    keys = _environment(url)
    client: Any = boto3.client(
        "s3",
        region_name=_REGION,
        endpoint_url=url,
        aws_access_key_id=keys["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=keys["AWS_SECRET_ACCESS_KEY"],
        config=Config(max_pool_connections=_UPLOADS),
    )
    _wait_for(client)
    client.create_bucket(Bucket=_BUCKET, CreateBucketConfiguration={"LocationConstraint": _REGION})
    bodies = {
        str(path.relative_to(sample)): path.read_bytes()
        for feed in ("customer", "step_trainer")
        for path in sorted((sample / feed).rglob("*.json"))
    }
    lines = [line for path in sorted((sample / "accelerometer").rglob("*.json")) for line in path.open("rb")]
    for number in range(objects):
        bodies[f"accelerometer/landing/{number:06d}.json"] = lines[number % len(lines)]
    with ThreadPoolExecutor(_UPLOADS) as pool:
        list(
            pool.map(
                lambda one: client.put_object(Bucket=_BUCKET, Key=f"landing/{one[0]}", Body=one[1]), bodies.items()
            )
        )


def _wait_for(client: Any) -> None:
    deadline = time.monotonic() + _STARTS_WITHIN
    while True:
        try:
            client.list_buckets()
        except EndpointConnectionError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)
        else:
            return


def _run(url: str) -> None:
    env = {key: value for key, value in os.environ.items() if not key.startswith(("STEDI_", "AWS_"))}
    env |= _environment(url) | {
        "STEDI_HOME": str(_HOME),
        "STEDI_LANDING": f"s3://{_BUCKET}/landing",
        "STEDI_WAREHOUSE": f"s3://{_BUCKET}/warehouse",
        "STEDI_CATALOG": "glue",
    }
    subprocess.run([STEDI_COMMAND, "run", "--json"], env=env, stdout=subprocess.DEVNULL, check=True)


if __name__ == "__main__":
    typer.run(main)
