"""Twenty visitors of the API at once: `python -m tests.benchmarks.load [--visitors 20] [--seconds 300] [--think 1]`.

Each asks a classifier about a picture that nobody asked about before, reads the answer for a second, and asks again.
Printed are seconds from question to answer, what was no answer, and the service's memory; then the same while a motion
is measured beside them for a minute. Linux alone.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import requests
import typer

from models.cards import card
from models.cases import cases
from models.cli import main as ortholens
from tests.benchmarks.memory import film
from tests.benchmarks.visitors import family_mb
from tests.service.test_motion import send
from tests.test_serve import a_free_port

CARDS = ("knee-kl", "shoulder-implants")
JOB_S, FRAMES = 60, 60
"""The motion beside them, which takes longer on two cores."""
NUMBER = count(1)


@contextmanager
def serving() -> Iterator[tuple[str, str]]:
    """Start the service without a quota, and return its address and a word of its command line."""
    port = str(a_free_port())
    program = [sys.executable, "-c", "from models.cli import main; main()", "api", "--port", port]
    limits = {"ORTHOLENS_API_REQUESTS_A_MINUTE": "1000000"}
    with subprocess.Popen(program, env=os.environ | limits) as server:
        try:
            while True:
                try:
                    requests.get(f"http://127.0.0.1:{port}/healthz", timeout=10)
                    break
                except requests.ConnectionError:
                    time.sleep(0.2)
            yield f"http://127.0.0.1:{port}", port
        finally:
            server.terminate()


def visit(address: str, seconds: float, options: argparse.Namespace) -> tuple[list[float], list[str]]:
    """Return the seconds of each answer to all visitors, and what was none."""
    times, errors, end = [], [], time.monotonic() + seconds

    def one() -> None:
        with requests.Session() as asking:
            while time.monotonic() < end:
                number = next(NUMBER)
                used = CARDS[number % len(CARDS)]
                picture = film(PICTURES[used], number)
                begun = time.perf_counter()
                try:
                    answer = asking.post(
                        f"{address}/v1/predict", files={"file": picture}, data={"card": used}, timeout=60
                    )
                    if answer.status_code != 200:
                        errors.append(f"{answer.status_code} {answer.text[:80]}")
                except requests.RequestException as problem:
                    errors.append(type(problem).__name__)
                times.append(time.perf_counter() - begun)
                time.sleep(options.think)

    threads = [threading.Thread(target=one) for _ in range(options.visitors)]
    for thread in threads:
        thread.start()
        time.sleep(options.think / options.visitors)  # they do not come at one moment
    for thread in threads:
        thread.join()
    return times, errors


class Client(requests.Session):
    """A session that knows its server, as the tests' client does."""

    def __init__(self, address: str) -> None:
        super().__init__()
        self._address = address

    def request(self, method: str, url: str, *rest: object, **more: object) -> requests.Response:
        """Ask the server."""
        return super().request(method, self._address + url, *rest, **more)


PICTURES = {id: next(c.path for c in cases() if c.path.suffix == ".png" and c.task == card(id).task) for id in CARDS}


def main() -> None:
    """Print the table."""
    asked = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    asked.add_argument("--visitors", type=int, default=20)
    asked.add_argument("--seconds", type=float, default=300)
    asked.add_argument("--think", type=float, default=1.0)
    options = asked.parse_args()
    typer.echo("| beside them | seconds | answers | errors | p50 | p95 | worst | MiB before | after | load |")
    typer.echo("| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |")
    with serving() as (address, port), TemporaryDirectory() as folder:
        visit(address, 10, options)  # the networks are loaded

        def show(beside: str, seconds: float) -> None:
            before = family_mb(port)
            times, errors = visit(address, seconds, options)
            at = " | ".join(f"{second:.2f} s" for second in np.percentile(times, [50, 95, 100]))
            typer.echo(
                f"| {beside} | {seconds:.0f} | {len(times)} | {len(errors)} | {at} | {before:.0f} "
                f"| {family_mb(port):.0f} | {os.getloadavg()[0]:.1f} |"
            )
            for error in dict.fromkeys(errors):
                typer.echo(f"error: {error}")

        show("nothing", options.seconds)
        with suppress(SystemExit):
            ortholens(["simulate", "fluoroscopy", str(FRAMES), folder, "--seed", "1", "--size", "384"])
        client = Client(address)
        job = send(client, Path(folder))
        show("a motion that is measured", JOB_S)
        place = f"/v1/jobs/{job['id']}"
        typer.echo(f"the motion is {client.get(place).json()['state']}")
        client.delete(place)


if __name__ == "__main__":
    main()
