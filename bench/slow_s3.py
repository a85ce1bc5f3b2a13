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
from pathlib import Path
from typing import Annotated, Any

import boto3
import typer
from botocore.config import Config
from botocore.exceptions import EndpointConnectionError

from bench.cluster import free_port
from bench.contenders import STEDI_COMMAND
from bench.data import WORK, base_landing
from stedi_dagster.sample import generate

_REGION, _BUCKET = "eu-central-1", "stedi-bench"
_METHODS = (b"GET", b"HEAD", b"PUT", b"POST", b"DELETE")
_BLOCK = 1 << 16
_STARTS_WITHIN = 60
_UPLOADS = 16
_HOME = WORK / "out" / "slow-s3"


class SlowWay:
    """A way to a server that delays each request, and counts them: by their method, or as LIST or Glue."""

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
                if delayed and (kind := _kind(block)):
                    self.requests[kind] += 1
                    await asyncio.sleep(self._seconds)
                target.write(block)
                await target.drain()
        except ConnectionError:
            pass  # whoever was there has what it came for
        finally:
            target.close()


def _kind(block: bytes) -> str | None:
    """What a request is counted as; None where no request begins."""
    head = block.split(b"\r\n", 1)[0]
    method = head.split(b" ", 1)[0]
    if method not in _METHODS:
        return None
    if b"AWSGlue." in block:
        return "Glue"
    return "LIST" if b"list-type=" in head or b"?versions" in head else method.decode()


def main(
    objects: Annotated[
        int, typer.Option(help="Small objects, of one accelerometer reading each; 0: the data of `make bench`.")
    ] = 2000,
    milliseconds: Annotated[float, typer.Option(help="By how much each request is delayed.")] = 30,
) -> None:
    """Land many small objects, or the data as it is, then run again with nothing new."""
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
            for what in (f"{objects:,} small objects" if objects else "the data as it is", "nothing new"):
                way.requests.clear()
                start = time.monotonic()
                _run(url)
                asked = ", ".join(f"{number:,} {method}" for method, number in way.requests.most_common())
                typer.echo(f"{what}: {time.monotonic() - start:.1f} s; {way.requests.total():,} requests ({asked})")
        left = _client(f"http://127.0.0.1:{port}").get_paginator("list_objects_v2")
        pages = left.paginate(Bucket=_BUCKET, Prefix="warehouse/")
        typer.echo(f"objects in the warehouse: {sum(page['KeyCount'] for page in pages):,}")
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


def _client(url: str) -> Any:
    keys = _environment(url)
    return boto3.client(
        "s3",
        region_name=_REGION,
        endpoint_url=url,
        aws_access_key_id=keys["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=keys["AWS_SECRET_ACCESS_KEY"],
        config=Config(max_pool_connections=_UPLOADS),
    )


def _fill(url: str, objects: int) -> None:
    client = _client(url)
    _wait_for(client)
    client.create_bucket(Bucket=_BUCKET, CreateBucketConfiguration={"LocationConstraint": _REGION})
    bodies = _small_objects(objects) if objects else _files(base_landing(None)[0], "*")
    with ThreadPoolExecutor(_UPLOADS) as pool:
        list(
            pool.map(
                lambda one: client.put_object(Bucket=_BUCKET, Key=f"landing/{one[0]}", Body=one[1]), bodies.items()
            )
        )


def _small_objects(number: int) -> dict[str, bytes]:
    sample = WORK / "small-sample"
    if not sample.is_dir():
        generate(sample, scale=0.01)
    bodies = _files(sample, "customer") | _files(sample, "step_trainer")
    lines = [line for body in _files(sample, "accelerometer").values() for line in body.splitlines(keepends=True)]
    return bodies | {f"accelerometer/landing/{one:06d}.json": lines[one % len(lines)] for one in range(number)}


def _files(landing: Path, feeds: str) -> dict[str, bytes]:
    paths = sorted(landing.glob(f"{feeds}/landing/**/*.json"))
    return {str(path.relative_to(landing)): path.read_bytes() for path in paths}


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
