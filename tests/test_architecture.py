"""The rules that `python -m tests.architecture` checks, on this tree and on trees that break them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.architecture import HEAVY, ROOT, Tree, circles, floor_of, misplaced_libraries, upward


@pytest.fixture(scope="module")
def tree() -> Tree:
    return Tree.read(ROOT)


def made(folder: Path, **modules: str) -> Tree:
    """A tree of these modules: `a__b="import c"` is a/b.py."""
    for name, text in modules.items():
        path = folder / (name.replace("__", "/") + ".py")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return Tree.read(folder)


def test_no_import_runs_up_and_no_step_imports_another(tree: Tree) -> None:
    assert len(tree.imports) > 200
    assert upward(tree) == []


def test_no_modules_import_each_other_in_a_circle(tree: Tree) -> None:
    assert circles(tree) == []


def test_prefect_and_heavy_libraries_are_imported_where_they_may_be(tree: Tree) -> None:
    assert misplaced_libraries(tree) == []


@pytest.mark.parametrize(
    ("modules", "found"),
    [
        ({"tasks__records": "from flows import form", "flows__form": ""}, ["tasks.records imports flows.form"]),
        (
            {"tasks__linking__link": "def f():\n    from tasks.audio import plan", "tasks__audio__plan": ""},
            ["tasks.linking.link imports tasks.audio.plan"],
        ),
        ({"tasks__engines__pool": "import tasks.step", "tasks__step": ""}, ["tasks.engines.pool imports tasks.step"]),
        ({"flows__recording__chunks": "import tasks.step", "tasks__step": ""}, []),
    ],
)
def test_an_import_that_runs_up_or_across_is_found(tmp_path: Path, modules: dict[str, str], found: list[str]) -> None:
    assert upward(made(tmp_path, **modules)) == found


def test_a_circle_is_found_also_within_a_folder_and_by_way_of_others(tmp_path: Path) -> None:
    tree = made(
        tmp_path, tasks__a="import tasks.b", tasks__b="def f():\n    import tasks.c", tasks__c="import tasks.a"
    )
    assert circles(tree) == ["tasks.a <-> tasks.b <-> tasks.c"]


def test_misplaced_libraries_are_found(tmp_path: Path) -> None:
    tree = made(tmp_path, tasks__a="import prefect", tasks__b="import torch", tasks__c="def f():\n    import torch")
    assert misplaced_libraries(tree) == ["tasks.a imports prefect", "tasks.b imports torch at its top"]


def test_networks_are_imported_by_their_loaders_alone(tmp_path: Path) -> None:
    tree = made(
        tmp_path,
        tasks__x__a_network="import torch",
        tasks__x__a="def load():\n    from tasks.x import a_network",
        tasks__x__b="from tasks.x.a_network import build",
    )
    assert misplaced_libraries(tree) == ["tasks.x.b imports tasks.x.a_network at its top"]


def test_floors_stand_in_the_order_of_the_pipeline() -> None:
    names = ["tasks.records", "tasks.storage.journal", "tasks.step", "tasks.linking.link", "flows.recording.chunks"]
    floors = [floor_of(name) for name in [*names, "flows.process_recording", "flows.cli.run"]]
    assert floors == sorted(set(floors))


def test_importing_the_flow_imports_no_engine() -> None:
    code = f"import sys, flows.process_recording; print(sorted({HEAVY!r} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.strip() == "[]"


def test_the_deployments_name_their_flows_by_module() -> None:
    import yaml
    from prefect.flows import load_flow_from_entrypoint

    deployments = yaml.safe_load((ROOT / "prefect.yaml").read_text())["deployments"]
    flows = {d["name"]: load_flow_from_entrypoint(d["entrypoint"]) for d in deployments}
    assert {name: flow.name for name, flow in flows.items()} == {name: name for name in flows}
    assert {name: set(flow.parameters.properties) for name, flow in flows.items()} == {
        "process-recording": {"source", "settings", "together"},
        "ingest-inbox": {"settings"},
        "prune-cache": {"older_than_days", "max_size_gb", "looks_older_than_days"},
    }
    for deployment in deployments:
        assert set(deployment.get("parameters") or {}) <= set(flows[deployment["name"]].parameters.properties)
