"""Whether what a run will write fits: asked before any work."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest

from tasks.errors import NoRoom, UsageError
from tasks.storage import disk_space

DAY = 86_400.0


@pytest.fixture
def free(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """A disk whose free bytes are said."""
    said = SimpleNamespace(free=0)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: said)
    return said


def test_a_day_that_cannot_fit_is_refused_with_the_folder_and_both_figures(
    tmp_path: Path, free: SimpleNamespace
) -> None:
    free.free = 10_000_000
    with pytest.raises(NoRoom, match=r"10.0 MB are free there, and at least 145\.\d MB are needed") as error:
        disk_space.check_room(DAY, str(tmp_path / "cache" / "artifacts"), tmp_path / "out", separated=False)
    assert str(tmp_path) in str(error.value)
    disk_space.check_room(60.0, str(tmp_path / "cache"), tmp_path / "out", separated=False)


def test_separated_vocals_take_more(tmp_path: Path, free: SimpleNamespace) -> None:
    free.free = 500_000_000
    disk_space.check_room(DAY, str(tmp_path), tmp_path, separated=False)
    with pytest.raises(NoRoom, match="1095"):
        disk_space.check_room(DAY, str(tmp_path), tmp_path, separated=True)


def test_what_an_earlier_run_has_put_there_needs_no_room_again(tmp_path: Path, free: SimpleNamespace) -> None:
    free.free = 50_000_000
    disk_space.check_room(DAY, str(tmp_path), tmp_path, separated=False, held=100_000_000)
    with pytest.raises(NoRoom, match=r"at least 65\.\d MB"):
        disk_space.check_room(DAY, str(tmp_path), tmp_path, separated=False, held=80_000_000)
    free.free = 20_000_000
    with pytest.raises(NoRoom, match=r"at least 24\.\d MB"):  # the results, however much is held
        disk_space.check_room(DAY, str(tmp_path), tmp_path, separated=False, held=10**12)


def test_a_store_that_is_no_folder_is_not_asked(tmp_path: Path, free: SimpleNamespace) -> None:
    free.free = 30_000_000
    disk_space.check_room(DAY, "s3://bucket/daylong", tmp_path, separated=True)
    with pytest.raises(NoRoom):
        disk_space.check_room(DAY, f"file://{tmp_path}", tmp_path, separated=True)


def test_a_real_disk_has_room_for_what_fills_half_of_it_and_none_for_twice_as_much(tmp_path: Path) -> None:
    """The real free space decides, that of the folder's disk although the folder is still to be made."""
    cache, out = str(tmp_path / "not" / "yet"), tmp_path / "there"
    free = shutil.disk_usage(tmp_path).free
    bytes_s = disk_space.CACHE_BYTES_S + disk_space.SEPARATED_BYTES_S + disk_space.OUT_BYTES_S
    disk_space.check_room((free / 2 - 2 * disk_space.LEAST_BYTES) / bytes_s, cache, out, separated=True)
    with pytest.raises(NoRoom, match=rf"^{re.escape(str(tmp_path))}: [\d.]+ MB are free there"):
        disk_space.check_room(2 * free / bytes_s, cache, out, separated=True)


def test_a_folder_in_which_nothing_can_be_written_is_refused_by_the_setting_that_names_it(tmp_path: Path) -> None:
    disk_space.check_writable(out=tmp_path / "new" / "out", cache__store="s3://bucket/daylong")
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match=r"^cache\.store = .*file/x: nothing can be written there \(Not a dir"):
        disk_space.check_writable(out=tmp_path, cache__store=str(tmp_path / "file" / "x"))
    with pytest.raises(UsageError, match=r"^out = /proc/1: nothing can be written there"):
        disk_space.check_writable(out=Path("/proc/1"))
