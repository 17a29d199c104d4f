"""Prefect's cache policy and keys: one policy for every step.

A key is `<step>/v<version>/<sha256>`, the digest being of the canonical JSON of what changes the result, so the
cache can be browsed and pruned by step. An input says what it contributes by a method `identity()`; one without
such a method contributes itself and must be plain JSON. `identity()` returning None means: nothing (where the
store is, which device, how many threads).
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import inspect
import json
import logging
import os
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import prefect
from prefect import Task, task
from prefect.cache_policies import CachePolicy
from prefect.client.schemas.objects import State, TaskRun
from prefect.context import TaskRunContext
from prefect.serializers import JSONSerializer
from pydantic import BaseModel

from tasks.errors import DaylongError, TransientError, is_transient
from tasks.logs import add_log_fields
from tasks.sharing.artifacts import SharedArtifactStore
from tasks.sharing.records import discard_record, read_record, write_record
from tasks.step import PROVISIONAL, Manifest, check_manifest
from tasks.storage.artifacts import ArtifactStore, compute_json_digest
from tasks.storage.atomic import write_atomically

P = ParamSpec("P")
R = TypeVar("R")

AS_JSON = JSONSerializer(object_encoder=None, object_decoder=None)
"""Plain JSON. Prefect's own has a decoder that makes any object, and calls any function, that a record names."""
_SERIALIZER = AS_JSON.model_dump()

log = logging.getLogger("daylong.caching")
steps = logging.getLogger("daylong.steps")

RETRY_AFTER_S = [2.0, 10.0]


@dataclass
class StepPolicy(CachePolicy):
    """Keys of one step. Raise `version` when the step's code changes its results."""

    step: str = ""
    version: int = 1

    def compute_key(
        self,
        task_ctx: TaskRunContext,
        inputs: dict[str, Any],
        flow_parameters: dict[str, Any],
        **kwargs: Any,
    ) -> str:
        key = compute_step_key(self.step, self.version, inputs)
        prepare_lookup(str(task_ctx.task_run.flow_run_id), key, inputs)
        return key


_used: dict[str, set[str]] = defaultdict(set)
_listeners: dict[str, Callable[[str], None]] = {}


def prepare_lookup(flow_run_id: str, key: str, inputs: dict[str, Any]) -> None:
    """Note that a flow run asks for a key, then discard what is stored under it where that can't be believed."""
    note_use(flow_run_id, key)
    discard_broken_result(key, inputs)


def note_use(flow_run_id: str, key: str) -> None:
    """Note that a flow run asks for a key."""
    _used[flow_run_id].add(key)
    if flow_run_id in _listeners:
        _listeners[flow_run_id](key)


@contextlib.contextmanager
def call_at_each_use(flow_run_id: str, listener: Callable[[str], None]) -> Iterator[None]:
    """Call `listener` with each key that the flow run asks for in the block, before its result is looked up."""
    _listeners[flow_run_id] = listener
    try:
        yield
    finally:
        _listeners.pop(flow_run_id, None)


def pop_used_keys(flow_run_id: str) -> set[str]:
    """Return the keys that a flow run has asked for, and drop them."""
    return _used.pop(flow_run_id, set())


def copy_used_keys(flow_run_id: str) -> set[str]:
    """Copy the keys that a running flow run has asked for so far."""
    return set(_used.get(flow_run_id, ()))


def compute_step_key(step: str, version: int, inputs: dict[str, Any]) -> str:
    """Compute the cache key of a step for these inputs."""
    parts = {name: identity(value) for name, value in inputs.items()}
    return f"{step}/v{version}/{compute_json_digest({k: v for k, v in parts.items() if v is not None})}"


def identity(value: Any) -> Any:
    """Return what `value` contributes to a key: plain JSON, or None for nothing."""
    own: Callable[[], Any] | None = getattr(value, "identity", None)
    if own is not None:
        return own()
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: identity(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, (list, tuple)):
        return [identity(v) for v in value]
    if isinstance(value, dict) and "artifacts" in value:
        # A manifest: artifacts and facts identify the result; its cost is left out.
        return {"artifacts": value["artifacts"], "facts": value.get("facts", {})}
    return value


def _is_transient(_task: Task[..., Any], _run: TaskRun, state: State[Any]) -> bool:
    try:
        state.result()
    except BaseException as error:
        return is_transient(error)
    return False


RETRY_OPTIONS: dict[str, Any] = {
    "retries": len(RETRY_AFTER_S),
    "retry_delay_seconds": RETRY_AFTER_S,
    "retry_jitter_factor": 0.5,
    "retry_condition_fn": _is_transient,
}
"""Transient faults are tried three times, others once; the pauses grow, and vary, so that several runs don't all come
back at once."""


class _ResultsPath(type(Path())):  # type: ignore[misc]  # a PosixPath, or a WindowsPath
    """`results_folder()` whenever Prefect asks, also where this Prefect keeps other people's results elsewhere by
    default: there we couldn't look at a record before it is believed."""

    def __str__(self) -> str:
        return str(results_folder())


def step_task(step: str, version: int) -> Callable[[Callable[P, R]], Task[P, R]]:
    """Decorate a step: Prefect's `@task` with the key, storage and retries common to all steps."""
    prefects = task(
        name=step,
        task_run_name=step,
        cache_policy=StepPolicy(step=step, version=version),
        persist_result=True,
        result_serializer=AS_JSON,
        result_storage=_ResultsPath(),
        cache_result_in_memory=False,
        **RETRY_OPTIONS,
    )
    return lambda do: prefects(_log_step(step, _share_record(step, version, do)))


def _share_record(step: str, version: int, do: Callable[P, R]) -> Callable[P, R]:
    """Wrap `do` so that what it found is recorded for other machines, too, where its store is shared."""
    signature = inspect.signature(do)

    @functools.wraps(do)
    def run_shared(*args: P.args, **kwargs: P.kwargs) -> R:
        bound = signature.bind(*args, **kwargs)
        store = _find_store(bound.arguments)
        if not isinstance(store, SharedArtifactStore):
            return do(*args, **kwargs)
        if context := TaskRunContext.get():
            check_guard(str(context.task_run.flow_run_id))
        found: Any = do(*args, **kwargs)
        if not found["facts"].get(PROVISIONAL):
            bound.apply_defaults()
            key = compute_step_key(step, version, bound.arguments)
            try:
                write_record(store.root, key, found)
            except TransientError as error:  # the result is there; only another machine has to find it again
                log.warning("%s is not kept for other machines: its record can't be written (%s)", key, error)
        return found  # type: ignore[no-any-return]

    return run_shared


_guards: dict[str, Callable[[], None]] = {}


@contextlib.contextmanager
def call_before_each_step(flow_run_id: str, guard: Callable[[], None]) -> Iterator[None]:
    """Call `guard` before each step of the flow run that isn't cached, in the block: the step fails with what it
    raises."""
    _guards[flow_run_id] = guard
    try:
        yield
    finally:
        _guards.pop(flow_run_id, None)


def check_guard(flow_run_id: str) -> None:
    """Call the guard of a flow run, if it has one in this process; raises what that raises."""
    guard = _guards.get(flow_run_id)
    if guard is not None:
        guard()


def _log_step(step: str, do: Callable[P, R]) -> Callable[P, R]:
    """Wrap `do` so that its log records carry the step's name, and log its duration."""

    @functools.wraps(do)
    def run_step(*args: P.args, **kwargs: P.kwargs) -> R:
        with add_log_fields(step=step):
            began = time.perf_counter()
            found = do(*args, **kwargs)
            seconds = round(time.perf_counter() - began, 3)
            steps.info("%s done in %.1f s", step, seconds, extra={"seconds": seconds})
        return found

    return run_step


def discard_broken_result(key: str, inputs: dict[str, Any]) -> None:
    """Remove the stored result under `key` if it is provisional or edited, or if an artifact behind it is damaged.

    Prefect believes a stored result without looking further; without it, the step runs again.
    """
    store = _find_store(inputs)
    record = results_folder() / key
    if isinstance(store, SharedArtifactStore):
        _fetch_record(store.root, key, record)
    if store is None or not record.is_file():
        return
    with contextlib.suppress(OSError):
        # Used now: what isn't used is pruned first. Said before it is looked through, so that what is believed isn't
        # pruned meanwhile: pruning looks again before it removes.
        os.utime(record)
    try:
        manifest = parse_record(record.read_text())
        if manifest["facts"].get(PROVISIONAL):
            record.unlink(missing_ok=True)
            return
        broken = [name for name in manifest["artifacts"].values() if not store.intact(name)]
    except FileNotFoundError:
        return  # pruned just now
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        broken = [str(record)]
    except (OSError, TransientError) as error:
        # Hours of work are not given up for a moment's fault: whoever needs a value asks for it again.
        log.warning("%s: what the cache has of it can't be read now (%s)", key, error)
        return
    if broken:
        log.warning("%s: in the cache, %s is gone, damaged or changed; the step runs again", key, broken[0])
        record.unlink(missing_ok=True)
        if isinstance(store, SharedArtifactStore):
            with contextlib.suppress(DaylongError):  # the step writes it again
                discard_record(store.root, key)


def _find_store(inputs: Mapping[str, Any]) -> ArtifactStore | None:
    return next((v.store for v in inputs.values() if isinstance(getattr(v, "store", None), ArtifactStore)), None)


def _fetch_record(url: str, key: str, record: Path) -> None:
    """Make this machine's record of a step what the shared storage has of it; leave it where that can't be read."""
    try:
        found = read_record(url, key)
        if found is None:
            record.unlink(missing_ok=True)
            return
        record.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(record, format_record(key, check_manifest(found)), durable=False)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        record.unlink(missing_ok=True)
    except (OSError, DaylongError) as error:
        log.warning("%s: what %s has of it can't be read now (%s)", key, url, error)


def format_record(key: str, manifest: Manifest) -> str:
    """Format a manifest as the record that Prefect keeps of a step's result."""
    metadata = {
        "storage_key": str(results_folder() / key),
        "expiration": None,
        "serializer": _SERIALIZER,
        "prefect_version": prefect.__version__,
        "storage_block_id": None,
    }
    return json.dumps({"metadata": metadata, "result": json.dumps(manifest)})


def parse_record(record: str) -> Manifest:
    """The manifest in a step's record. Raises ValueError, KeyError or TypeError where a step can't have written it:
    Prefect obeys what a record says of how to read it, and one of its ways is to unpickle."""
    stored = json.loads(record)
    if stored.keys() != {"metadata", "result"} or stored["metadata"]["serializer"] != _SERIALIZER:
        raise ValueError("no record of a step")
    return check_manifest(json.loads(stored["result"]))


def results_folder() -> Path:
    """Where Prefect keeps the steps' manifests."""
    from prefect.settings import PREFECT_LOCAL_STORAGE_PATH

    return Path(str(PREFECT_LOCAL_STORAGE_PATH.value()))
