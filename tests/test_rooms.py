"""Which way imports may go: flows -> steps -> foundations and modules directly in tasks/. Never back, nor across."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
MODULES = sorted(p.relative_to(ROOT) for room in ("flows", "tasks") for p in (ROOT / room).rglob("*.py"))
FOUNDATIONS = {"settings", "engines", "weights", "storage"}
STEPS = {p.parent.name for p in (ROOT / "tasks").glob("*/__init__.py")} - FOUNDATIONS
HEAVY = {"torch", "nemo", "faster_whisper", "demucs", "transformers", "deepmultilingualpunctuation", "ctranslate2"}


def imports(path: Path, *, only_top: bool = False) -> Iterator[str]:
    """Dotted names that a module imports, anywhere or at its top level."""
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    for node in tree.body if only_top else ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def room(path: Path) -> str:
    return path.parts[1] if path.parts[0] == "tasks" and len(path.parts) > 2 else path.parts[0]


@pytest.mark.parametrize("path", MODULES, ids=str)
def test_a_module_leans_only_where_it_may(path: Path) -> None:
    names = set(imports(path))
    if path.parts[0] == "tasks":
        assert not any(n.split(".")[0] == "flows" for n in names), "tasks never know flows"
        may_know_prefect = path.name == "task.py" or path == Path("tasks/caching.py")
        assert may_know_prefect or not any(n.split(".")[0] == "prefect" for n in names)
    steps = {n.split(".")[1] for n in names if n.startswith("tasks.")} & STEPS
    if room(path) in STEPS:
        assert steps <= {room(path)}, "no step imports another"
    elif path.parts[0] == "tasks":
        assert steps == set(), "foundations, and what stands directly in tasks/, are under all steps"


@pytest.mark.parametrize("path", MODULES, ids=str)
def test_no_module_imports_a_heavy_library_at_its_top(path: Path) -> None:
    assert {n.split(".")[0] for n in imports(path, only_top=True)} & HEAVY == set()


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
