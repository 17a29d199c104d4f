"""Files that appear whole, or not at all."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from tasks.storage.atomic import stage, write_atomically
from tests.helpers.crashing_disk import CrashingDisk, SimulatedKill


@pytest.mark.parametrize("durable", [True, False])
def test_a_file_is_replaced_and_nothing_is_left_beside_it(tmp_path: Path, durable: bool) -> None:
    write_atomically(tmp_path / "a", "über", durable=durable)
    assert (tmp_path / "a").read_bytes() == "über".encode()
    write_atomically(tmp_path / "a", b"\xff", durable=durable)
    assert (tmp_path / "a").read_bytes() == b"\xff"
    assert os.listdir(tmp_path) == ["a"]


def test_whoever_may_read_new_files_may_read_this_one(tmp_path: Path) -> None:
    (tmp_path / "plain").touch()
    write_atomically(tmp_path / "a", "text")
    modes = {stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ("plain", "a")}
    assert len(modes) == 1


@pytest.mark.parametrize("error", [True, False])
def test_dying_at_any_operation_leaves_the_old_file_or_the_new_one(tmp_path: Path, error: bool) -> None:
    target, seen = tmp_path / "a", set()
    for fatal in range(5):
        target.write_text("old")
        with pytest.MonkeyPatch.context() as patch:
            CrashingDisk(patch, fatal, error=error)
            try:
                write_atomically(target, "new")
            except (SimulatedKill, OSError):
                assert not error or os.listdir(tmp_path) == ["a"]
        seen.add(target.read_text())
    assert seen == {"old", "new"}


def test_a_staged_folder_goes_with_the_block_that_fails(tmp_path: Path) -> None:
    with pytest.raises(KeyError), stage(tmp_path / "a") as staged:  # noqa: PT012
        (staged / "deep").mkdir(parents=True)
        raise KeyError
    assert os.listdir(tmp_path) == []
