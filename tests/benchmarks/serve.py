"""`daylong serve` under load, on loopback with the demo weights: throughput, waiting, what a long job loses, and a
long series of requests with broken files and dropped connections, after which nothing may be lost or left.

Each client sends clips of 10–60 s of the sample, one after another, beside a long job. Throughput is told against
that of one client alone. With `--series N`, N requests of few clips follow, 5 % of them broken, 2 % cut off.
"""

from __future__ import annotations

import os
import random
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

import httpx
import numpy as np

from tests.benchmarks import frame
from tests.helpers.daylong_server import find_free_port, make_environment

COMMAND = (sys.executable, "-c", "from flows.cli.main import main; main()", "serve", "--profile", "demo")
LONG_S = 300.0


def main(arguments: Sequence[str] | None = None) -> dict[str, Any]:
    parser = frame.options(__doc__)
    parser.add_argument("--series", type=int, default=1000, metavar="N", help="requests of the series [1000]")
    given = parser.parse_args(arguments)
    counts, each = ((1, 4), 4) if given.quick else ((1, 2, 8, 32), 24)
    with tempfile.TemporaryDirectory() as name, serving(Path(name)) as (api, pid):
        clips = iterate_clips()
        post(api, next(clips))  # the engines are loaded
        long_alone_s = finish(api, add_long(api, 0))
        rows = [measure(api, n, [next(clips) for _ in range(max(n, each))], 1 + i) for i, n in enumerate(counts)]
        series = send_series(api, 100 if given.quick else given.series)
        series["server_mb"] = read_peak_mb(pid)
    for row in rows:
        row["ratio"] = row["recorded_s"] / row["wall_s"] / (rows[0]["recorded_s"] / rows[0]["wall_s"])
    frame.show(
        "Clients beside a long job",
        ["clients", "requests", "× real time", "of one client's", "p50 s", "p95 s", "the long job, × alone"],
        [
            [r["clients"], r["requests"], r["recorded_s"] / r["wall_s"], r["ratio"], r["p50_s"], r["p95_s"],
             r["long_s"] / long_alone_s]
            for r in rows
        ],
    )  # fmt: skip
    frame.show("A series of requests", list(series), [list(series.values())])
    figures = {"long_alone_s": long_alone_s, "clients": rows, "series": series}
    frame.write(given.json, figures)
    return figures


@contextmanager
def serving(home: Path) -> Iterator[tuple[httpx.Client, int]]:
    """Run the command; yield a client of its own, and its process id."""
    port = find_free_port()
    command = [*COMMAND, "--port", str(port), "--set", f"serve.short_minutes={LONG_S / 120}"]
    with (home / "log").open("w") as log:
        process = subprocess.Popen(command, env=make_environment(home), stderr=log, stdout=log)
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=None) as api:
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


def iterate_clips() -> Iterator[tuple[float, bytes]]:
    """Yield clips of 10–60 s, no two alike: length in seconds, and the file."""
    lengths = np.random.default_rng(0).uniform(10, 60, 10_000)
    for number, length_s in enumerate(lengths):
        yield float(length_s), read_sample((number * 37.3) % 2000.0, float(length_s))


def post(api: httpx.Client, clip: tuple[float, bytes]) -> httpx.Response:
    form = {"model": "whisper-1", "response_format": "diarized_json"}
    return api.post("/v1/audio/transcriptions", data=form, files={"file": ("clip.wav", clip[1])})


def add_long(api: httpx.Client, number: int) -> str:
    long = read_sample(100.0 + 7.7 * number, LONG_S)
    return str(api.post("/v1/jobs", files={"file": ("long.wav", long)}).json()["id"])


def finish(api: httpx.Client, job: str) -> float:
    """Wait for a job; return the seconds that it took from its start to its end."""
    while (told := api.get(f"/v1/jobs/{job}").json())["status"] in ("queued", "running"):
        time.sleep(0.2)
    assert told["status"] == "completed", told
    return float(told["result"]["wall_s"])


def measure(api: httpx.Client, clients: int, clips: list[tuple[float, bytes]], number: int) -> dict[str, Any]:
    """Have clients send clips beside a long job."""
    job = add_long(api, number)
    left, took, lock = list(clips), list[float](), threading.Lock()

    def send() -> None:
        with httpx.Client(base_url=api.base_url, timeout=None) as own:
            while True:
                with lock:
                    if not left:
                        return
                    clip = left.pop()
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
    return {
        "clients": clients, "requests": len(clips), "recorded_s": sum(c[0] for c in clips), "wall_s": wall_s,
        "p50_s": statistics.median(took), "p95_s": float(np.percentile(took, 95)), "long_s": finish(api, job),
    }  # fmt: skip


def send_series(api: httpx.Client, number: int) -> dict[str, Any]:
    """Send many requests of few clips, some broken, some cut off; count the answers."""
    dice, clips = random.Random(0), [(12.0, read_sample(50.0 * i, 12.0)) for i in range(5)]
    found: Counter[str] = Counter()
    began = time.perf_counter()
    for _ in range(number):
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
    return {"requests": number, **found, "left": health["waiting"] + health["running"],
            "seconds": time.perf_counter() - began}  # fmt: skip


def read_peak_mb(pid: int) -> float:
    """Peak resident memory of the process that answers, MB."""
    lines = Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024


if __name__ == "__main__":
    main()
