"""Leases: one process at a time, over machines, by conditional writes alone.

A lease is an object that its holder writes again every third of `lease_s`. Who waits for it watches the object: one
that stays the same for `lease_s` by the waiter's own clock is taken over, by a conditional write that one waiter
wins. No two machines' clocks are compared.

A lease keeps processes out of each other's way; it doesn't make a write safe: a process may be stopped between its
last look at the lease and a write (SIGSTOP, a virtual machine that moves), and go on after another took over. What
must not happen twice is written by conditions of its own (`publication.py`, `state.py`).
"""

from __future__ import annotations

import json
import logging
import os
import socket
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from tasks.errors import DaylongError, TransientError
from tasks.sharing.objects import Conflict, Held, Objects

log = logging.getLogger(__name__)


class Busy(TransientError):
    """Another process holds the lease."""


class LostLease(DaylongError):
    """Another process took the lease over: this one was away for too long. Never tried again: it goes on there."""


class Lease:
    """A lease that this process holds."""

    def __init__(self, objects: Objects, name: str, what: str, lease_s: float) -> None:
        self._objects, self._name, self._what, self._lease_s = objects, name, what, lease_s
        self._me: dict[str, object] = {
            "host": socket.gethostname(),
            "pid": os.getpid(),
            "nonce": uuid.uuid4().hex,
            "lease_s": lease_s,
        }
        self._me["began"] = time.time()
        self._count = 0
        self._tag: str | None = None
        self._renewed = time.monotonic()
        self._lost = False
        self._writing = threading.Lock()

    def _content(self, **more: object) -> bytes:
        self._count += 1
        return json.dumps({**self._me, "count": self._count, **more}, sort_keys=True).encode()

    def acquire(self, patience_s: float) -> None:
        """Take the lease, waiting at most `patience_s` for another's. Raises Busy."""
        until = time.monotonic() + patience_s
        seen, since = None, 0.0
        while True:
            held = self._objects.get(self._name)
            with suppress(Conflict):
                if held is None:
                    return self._note(self._objects.put_new(self._name, self._content()))
                owner = _read_owner(held)
                if held.tag != seen:
                    seen, since = held.tag, time.monotonic()
                if owner is None or time.monotonic() - since >= owner[1]:
                    tag = self._objects.replace(self._name, self._content(), held.tag)
                    if owner is not None:
                        log.warning("%s: taken over from %s, which has not been heard of", self._what, owner[0])
                    return self._note(tag)
                if time.monotonic() >= until:
                    raise Busy(f"{self._what}: {owner[0]} is at it; try again when it is done.")
            time.sleep(min(1.0, self._lease_s / 20))

    def _note(self, tag: str) -> None:
        self._tag, self._renewed = tag, time.monotonic()

    def check(self) -> None:
        """Raise LostLease where another process has taken over. Asks the store only where the last renewal is old."""
        if not self._lost and time.monotonic() - self._renewed > self._lease_s / 2:
            self.renew()
        if self._lost:
            raise self._loss()

    @contextmanager
    def telling_loss(self) -> Iterator[None]:
        """Raise LostLease in place of what a block raises whose lease was taken over: it is the reason."""
        try:
            yield
        except Exception as error:
            if self._lost:
                raise self._loss() from error
            raise

    def _loss(self) -> LostLease:
        return LostLease(f"{self._what}: another process took it over while this one was away; it goes on there.")

    def renew(self) -> None:
        """Write the lease again. Raises TransientError where the store can't be reached now."""
        with self._writing:
            if self._lost or self._tag is None:
                return
            try:
                self._note(self._objects.replace(self._name, self._content(), self._tag))
            except Conflict:
                self._lost = True

    def release(self) -> None:
        """Let the next one have it at once."""
        with self._writing, suppress(DaylongError):  # else it ends by itself
            if self._tag is not None and not self._lost:
                self._objects.replace(self._name, self._content(free=True), self._tag)
            self._tag = None


@contextmanager
def hold_lease(objects: Objects, name: str, what: str, *, lease_s: float, patience_s: float = 0.0) -> Iterator[Lease]:
    """Hold the lease `name` in the block. `what`: how messages call it. Raises Busy after `patience_s`."""
    lease = Lease(objects, f"leases/{name}.json", what, lease_s)
    lease.acquire(patience_s)
    over = threading.Event()

    def renew() -> None:
        while not over.wait(lease_s / 3):
            with suppress(DaylongError):  # asked again soon
                lease.renew()

    renewing = threading.Thread(target=renew, name=f"lease {name}", daemon=True)
    renewing.start()
    try:
        yield lease
    finally:
        over.set()
        lease.release()


def _read_owner(held: Held) -> tuple[str, float] | None:
    """Who holds a lease, and for how many seconds without a word; None for a free or unreadable one."""
    try:
        content = json.loads(held.data)
        if content.get("free"):
            return None
        return f"process {content['pid']} on {content['host']}", float(content["lease_s"])
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
