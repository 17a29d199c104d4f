"""Leases: one holder at a time; a dead or stopped one's passes on; one who comes back finds out."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tasks.errors import TransientError
from tasks.sharing.folder import Folder
from tasks.sharing.lease import Busy, Lease, LostLease, hold_lease
from tasks.sharing.objects import Objects

LEASE_S = 0.3


@pytest.fixture
def objects(tmp_path: Path) -> Objects:
    return Folder(f"file://{tmp_path}")


def test_a_held_lease_is_refused_and_a_free_one_taken_at_once(objects: Objects) -> None:
    with hold_lease(objects, "a", "a.wav", lease_s=60) as lease:
        lease.check()
        with pytest.raises(Busy, match=r"^a\.wav: process \d+ on .* is at it; try again when it is done\.$"):
            Lease(objects, "leases/a.json", "a.wav", 60).acquire(0)
    began = time.monotonic()
    with hold_lease(objects, "a", "a.wav", lease_s=60):
        assert time.monotonic() - began < 30


class Clock:
    """Time that passes while somebody sleeps, and what happens meanwhile."""

    def __init__(self) -> None:
        self.now = 0.0
        self.meanwhile: list[Callable[[], None]] = []

    def monotonic(self) -> float:
        return self.now

    time = monotonic

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        for act in self.meanwhile:
            act()


def test_a_holder_that_is_heard_of_keeps_its_lease(objects: Objects, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock()
    monkeypatch.setattr("tasks.sharing.lease.time", clock)
    holder, waiter = (Lease(objects, "leases/a.json", "a.wav", 6) for _ in range(2))
    holder.acquire(0)
    clock.meanwhile = [holder.renew]
    with pytest.raises(Busy):
        waiter.acquire(60)
    holder.check()
    clock.meanwhile = []
    began = clock.now
    waiter.acquire(60)
    assert 6 <= clock.now - began < 8
    with pytest.raises(LostLease):
        holder.check()


def test_who_is_not_heard_of_loses_it_and_finds_out(objects: Objects) -> None:
    stopped = Lease(objects, "leases/a.json", "a.wav", LEASE_S)
    stopped.acquire(0)  # nobody renews it: as of a process that was killed or stopped
    with hold_lease(objects, "a", "a.wav", lease_s=LEASE_S, patience_s=30) as taken:
        with pytest.raises(LostLease, match="another process took it over"):
            stopped.check()
        with pytest.raises(LostLease), stopped.telling_loss():
            raise TransientError("every chunk failed")
        stopped.release()  # of no effect
        taken.check()
        with pytest.raises(Busy):
            Lease(objects, "leases/a.json", "a.wav", LEASE_S).acquire(0)


def test_an_unreadable_lease_is_taken(objects: Objects) -> None:
    objects.put("leases/a.json", b"[")
    with hold_lease(objects, "a", "a.wav", lease_s=60):
        pass
