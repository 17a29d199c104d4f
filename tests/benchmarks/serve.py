"""`daylong serve` under load, on loopback with the demo weights: throughput, waiting, what a long job loses, a long
series of requests with broken files and dropped connections, and what a killed engine and a killed server cost.

Each client sends clips of 10–60 s of the sample, one after another, beside a long job. Throughput is told against the
engines alone: the process that works on recordings, asked for as many at a time without the server before it. With
`--series N`, N requests of few clips follow, 5 % of them broken, 2 % cut off. Each part has its share of `--minutes`:
clients send no more clips when theirs is over, and a number of clients that would need twice that time for one clip
each is left out.
"""

from __future__ import annotations

import asyncio
import os
import random
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from unittest.mock import patch

import httpx
import numpy as np

from flows.http.worker import Worker
from tasks.process_tree import find_descendants
from tests.benchmarks import frame
from tests.helpers.daylong_server import find_free_port, make_environment

COMMAND = (sys.executable, "-c", "from flows.cli.main import main; main()", "serve", "--profile", "demo")
LONG_S = 200.0
JOB_S = 1800.0
"""Limit in seconds for one job or answer: nine times the long one's length."""
AT_ONCE = 2
COUNTS = (1, 2, 8, 32)
"""Clients at a time."""
CLIPS = 12
"""Of each number of clients, at least one for each client."""
Clip = tuple[float, bytes]
"""Seconds, and the file."""


def main(arguments: Sequence[str] | None = None) -> dict[str, Any]:
    parser = frame.options(__doc__)
    parser.add_argument("--series", type=int, default=1000, metavar="N", help="requests of the series [1000]")
    parser.add_argument("--clients", type=int, nargs="+", default=COUNTS, metavar="N", help="[1 2 8 32]")
    parser.add_argument("--minutes", type=float, default=10, help="minutes of the whole, about [10]")
    given = parser.parse_args(arguments)
    counts, each = ((1, 4), 4) if given.quick else (given.clients, CLIPS)
    share_s = 60 * given.minutes / (len(counts) + 5)  # one for the engines alone, two for the series, two for the end
    clips = iterate_clips()
    with tempfile.TemporaryDirectory() as name:
        alone_speed = measure_alone(Path(name) / "alone", [next(clips) for _ in range(max(4, each // 2))])
        say(f"the engines alone: {alone_speed:.1f} × real time")
        with serving(Path(name)) as (api, pid):
            post(api, next(clips))  # the engines are loaded
            long_alone_s = finish(api, add_long(api, 0))
            rows = []
            for number, clients in enumerate(counts):
                some = [next(clips) for _ in range(max(clients, each))]
                least_s = sum(length_s for length_s, _ in some[:clients]) / alone_speed
                if least_s > 2 * share_s:
                    say(f"{clients} clients: left out, they would take {least_s:.0f} s")
                    continue
                rows.append(measure(api, clients, some, 1 + number, share_s))
                rows[-1]["ratio"] = (rows[-1]["recorded_s"] + LONG_S) / rows[-1]["whole_s"] / alone_speed
                say(
                    "{clients} clients: {ratio:.2f} of the engines alone, {p50_s:.1f} s, {p95_s:.1f} s".format(
                        **rows[-1]
                    )
                )
            before_mb = read_memory_mb(pid, "VmRSS")
            series = send_series(api, 100 if given.quick else given.series, 2 * share_s)
            series["server MB before"], series["after"] = before_mb, read_memory_mb(pid, "VmRSS")
            series["peak"] = read_memory_mb(pid, "VmHWM")
            killed_engine = kill_engine(api, pid, next(clips))
        killed_server = kill_server(Path(name), [next(clips) for _ in range(4)])
    for row in rows:
        row["speed"] = row["recorded_s"] / row["wall_s"]
    frame.show(
        "Clients beside a long job",
        ["clients", "requests", "× real time", "with the long job, of the engines alone", "p50 s", "p95 s",
         "the long job, × alone"],
        [
            [r["clients"], r["requests"], r["speed"], r["ratio"], r["p50_s"], r["p95_s"], r["long_s"] / long_alone_s]
            for r in rows
        ],
    )  # fmt: skip
    frame.show("A series of requests", list(series), [list(series.values())])
    frame.show("Killed", ["what", "seconds", "lost"], [killed_engine, killed_server])
    figures = {
        "alone_speed": alone_speed, "long_alone_s": long_alone_s, "clients": rows, "series": series,
        "killed": [killed_engine, killed_server],
    }  # fmt: skip
    frame.write(given.json, figures)
    return figures


def say(words: str) -> None:
    """Tell how far it is."""
    print(f"{time.strftime('%H:%M:%S')} {words}", file=sys.stderr, flush=True)


def measure_alone(home: Path, clips: list[Clip]) -> float:
    """Have the process that works on recordings do clips, `AT_ONCE` at a time; return how many times real time."""
    home.mkdir()
    files = []
    for number, (_, sound) in enumerate(clips):
        files.append(home / f"clip {number}.wav")
        files[-1].write_bytes(sound)

    async def run() -> float:
        worker, left = Worker(home / "worker.log"), list(files)

        async def work() -> None:
            while left:
                await worker.request("run", source=str(left.pop()), parameters={"profile": "demo"})

        await worker.request("run", source=str(left.pop()), parameters={"profile": "demo"})  # the engines are loaded
        began = time.perf_counter()
        await asyncio.gather(*(work() for _ in range(AT_ONCE)))
        took_s = time.perf_counter() - began
        await worker.stop()
        return took_s

    with patch.dict(os.environ, make_environment(home), clear=True):
        took_s = asyncio.run(run())
    return sum(length_s for length_s, _ in clips[:-1]) / took_s


@contextmanager
def serving(home: Path) -> Iterator[tuple[httpx.Client, int]]:
    """Run the command; yield a client of its own, and its process id."""
    port = find_free_port()
    command = [*COMMAND, "--port", str(port), "--set", f"serve.short_minutes={LONG_S / 120}"]
    with (home / "log").open("a") as log:
        process = subprocess.Popen(command, env=make_environment(home), stderr=log, stdout=log)
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=JOB_S) as api:
            for _ in range(1200):
                with suppress(httpx.TransportError):
                    api.get("/health")
                    break
                assert process.poll() is None, (home / "log").read_text()
                time.sleep(0.1)
            yield api, process.pid
    finally:
        process.terminate()
        process.wait()


def read_sample(start_s: float, length_s: float) -> bytes:
    """A piece of the sample as a WAV file."""
    import io

    import soundfile

    from tasks.audio.decode import decode
    from tasks.intervals import Span
    from tasks.settings.home import sample

    file = io.BytesIO()
    soundfile.write(file, decode(sample(), Span(start_s, start_s + length_s)), 16_000, format="WAV")
    return file.getvalue()


def iterate_clips() -> Iterator[Clip]:
    """Yield clips of 10–60 s, no two alike: length in seconds, and the file."""
    lengths = np.random.default_rng(0).uniform(10, 60, 10_000)
    for number, length_s in enumerate(lengths):
        yield float(length_s), read_sample((number * 37.3) % 2000.0, float(length_s))


def post(api: httpx.Client, clip: Clip) -> httpx.Response:
    form = {"model": "whisper-1", "response_format": "diarized_json"}
    return api.post("/v1/audio/transcriptions", data=form, files={"file": ("clip.wav", clip[1])})


def add_long(api: httpx.Client, number: int) -> str:
    long = read_sample(100.0 + 7.7 * number, LONG_S)
    return str(api.post("/v1/jobs", files={"file": ("long.wav", long)}).json()["id"])


def finish(api: httpx.Client, job: str) -> float:
    """Wait for a job; return the seconds that it took from its start to its end."""
    told = wait_for_end(api, job)
    assert told["status"] == "completed", told
    return float(told["result"]["wall_s"])


def wait_for_end(api: httpx.Client, job: str, most_s: float = JOB_S) -> dict[str, Any]:
    """Wait until a job has ended; return what is told of it. Exits with one line where it takes longer than `most_s`
    seconds."""
    ends = time.monotonic() + most_s
    while (told := dict(api.get(f"/v1/jobs/{job}").json())).get("status") in ("queued", "running"):
        if time.monotonic() > ends:
            raise SystemExit(f"job {job}: still {told['status']} after {most_s:.0f} s. See the log of the server")
        time.sleep(0.2)
    return told


def measure(api: httpx.Client, clients: int, clips: list[Clip], number: int, most_s: float) -> dict[str, Any]:
    """Have clients send clips beside a long job, one each and no more than fit into `most_s` seconds."""
    job = add_long(api, number)
    left, took, sent_s, lock = list(clips), list[float](), list[float](), threading.Lock()
    until = time.perf_counter() + most_s

    def send() -> None:
        with httpx.Client(base_url=api.base_url, timeout=JOB_S) as own:
            while True:
                with lock:
                    if not left or (len(sent_s) >= clients and time.perf_counter() > until):
                        return
                    clip = left.pop()
                    sent_s.append(clip[0])
                began = time.perf_counter()
                answer = post(own, clip)
                assert answer.status_code == 200, answer.text
                with lock:
                    took.append(time.perf_counter() - began)

    began = time.perf_counter()
    threads = [threading.Thread(target=send) for _ in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    wall_s = time.perf_counter() - began
    long_s = finish(api, job)
    return {
        "whole_s": time.perf_counter() - began, "long_s": long_s,
        "clients": clients, "requests": len(sent_s), "recorded_s": sum(sent_s), "wall_s": wall_s,
        "p50_s": statistics.median(took), "p95_s": float(np.percentile(took, 95)),
    }  # fmt: skip


def send_series(api: httpx.Client, number: int, most_s: float) -> dict[str, Any]:
    """Send requests of few clips for at most `most_s` seconds, some broken, some cut off; count the answers."""
    dice, clips = random.Random(0), [(12.0, read_sample(50.0 * i, 12.0)) for i in range(5)]
    found: Counter[str] = Counter()
    began = time.perf_counter()
    for _ in range(number):
        if time.perf_counter() - began > most_s:
            break
        chance, clip = dice.random(), dice.choice(clips)
        if chance < 0.02:
            host, port = api.base_url.host, int(api.base_url.port or 80)
            with socket.create_connection((host, port)) as connection:
                head = "POST /v1/audio/transcriptions HTTP/1.1\r\nHost: x\r\nContent-Length: 500000\r\n"
                kind = "Content-Type: multipart/form-data; boundary=b\r\n\r\n--b\r\n"
                connection.sendall(
                    f"{head}{kind}".encode() + b'Content-Disposition: form-data; name="file"\r\n\r\n00'
                )
            found["cut off"] += 1
        elif chance < 0.07:
            answer = post(api, (0.0, clip[1][: dice.randrange(40)] + os.urandom(2000)))
            found["broken, refused" if answer.status_code == 400 else f"broken, {answer.status_code}"] += 1
        else:
            answer = post(api, clip)
            found["whole, answered" if answer.json().get("segments") else f"whole, {answer.status_code}"] += 1
    health = api.get("/health").json()
    return {"requests": found.total(), **found, "left": health["waiting"] + health["running"],
            "seconds": time.perf_counter() - began}  # fmt: skip


def kill_engine(api: httpx.Client, pid: int, clip: Clip) -> list[Any]:
    """Kill the engines' process while a request is worked on; the request must be answered all the same."""
    answers: list[httpx.Response] = []
    began = time.perf_counter()
    asked = threading.Thread(target=lambda: answers.append(post(api, clip)))
    asked.start()
    time.sleep(1.0)
    killed = 0
    for child in find_descendants(pid):
        with suppress(OSError):
            if b"child_main" in Path(f"/proc/{child}/cmdline").read_bytes():
                os.kill(child, signal.SIGKILL)
                killed += 1
    assert killed
    asked.join()
    return [
        "the engines' process, while a request waits",
        time.perf_counter() - began,
        int(answers[0].status_code != 200),
    ]


def kill_server(home: Path, clips: list[Clip]) -> list[Any]:
    """Kill the server while jobs wait and are worked on; the next server must finish them all."""
    began = time.perf_counter()
    with serving(home) as (api, pid):
        files = [{"file": (f"job {number}.wav", sound)} for number, (_, sound) in enumerate(clips)]
        jobs = [str(api.post("/v1/jobs", files=file).json()["id"]) for file in files]
        os.kill(pid, signal.SIGKILL)
    with serving(home) as (api, _):
        for job in jobs:
            wait_for_end(api, job)
        lost = sum(api.get(f"/v1/jobs/{job}/result").status_code != 200 for job in jobs)
    return [f"the server, with {len(jobs)} jobs", time.perf_counter() - began, lost]


def read_memory_mb(pid: int, name: str) -> float:
    """Resident memory of the process that answers, MB: now (VmRSS), or at most (VmHWM)."""
    lines = Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(name)) / 1024


if __name__ == "__main__":
    main()
