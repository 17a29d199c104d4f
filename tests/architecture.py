"""The architecture as a check: floors, modules a folder, circles, imports that run up.

    python -m tests.architecture

prints a table and ends with status 1 where a module imports one of a floor above its own, a step imports another
step, modules import each other in a circle, Prefect is imported outside `flows/`, the `@task` shells and
`caching.py`, or a heavy library is imported at a module's top (but for `*_network`, the networks that loaders
import, which nobody may import at the top). `test_architecture`
runs the same checks on made-up trees.
"""

from __future__ import annotations

import ast
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]

FLOORS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("commands", ("flows.cli",)),
    ("web", ("flows.http",)),
    ("flows", ("flows.process_recording", "flows.compare_engines", "flows.ingest_inbox", "flows.prune_cache")),
    ("operation", ("flows.serving.health", "flows.serving.inspection", "flows.inbox")),
    ("people", ("flows.speakers", "flows.corrections", "flows.review")),
    ("recording", ("flows.recording",)),
    ("reports", ("flows.reporting", "flows.report_audio", "flows.form", "flows.fault")),
    ("serving", ("flows.serving",)),
    ("ground of flows", ("flows",)),
    ("comparison", ("tasks.comparison",)),
    (
        "steps",
        (
            "tasks.audio",
            "tasks.corrections",
            "tasks.dataset",
            "tasks.diarization",
            "tasks.evaluation",
            "tasks.exports",
            "tasks.intake",
            "tasks.linking",
            "tasks.merging",
            "tasks.pruning",
            "tasks.punctuation",
            "tasks.separation",
            "tasks.transcription",
            "tasks.translation",
            "tasks.voices",
        ),
    ),
    (
        "steps' ground",
        ("tasks.alignment", "tasks.quality", "tasks.review", "tasks.step", "tasks.caching", "tasks.contracts"),
    ),
    ("foundations", ("tasks.settings", "tasks.engines", "tasks.weights", "tasks.storage", "tasks.sharing")),
    ("ground", ("tasks",)),
)
"""From the top down. A module belongs to the longest name here that it starts with; imports go down or stay."""

STEPS = dict(FLOORS)["steps"]
HEAVY = {
    "torch",
    "nemo",
    "faster_whisper",
    "demucs",
    "transformers",
    "deepmultilingualpunctuation",
    "ctranslate2",
    "onnxruntime",
    "onnx_asr",
    "pywhispercpp",
    "_pywhispercpp",
    "mlx",
    "mlx_whisper",
}

NETWORK = "_network"
"""How the names of modules end that define networks, as classes of torch's."""


@dataclass(frozen=True)
class Tree:
    """The modules of a source tree, by dotted name, with what each imports."""

    imports: Mapping[str, frozenset[str]]
    """Modules of the tree that a module imports, anywhere in it."""
    libraries: Mapping[str, frozenset[str]]
    """Top-level packages from outside that it imports, anywhere in it."""
    at_top: Mapping[str, frozenset[str]]
    """The same, of the statements that run when it is imported; and modules of the tree that these import."""

    @classmethod
    def read(cls, root: Path) -> Tree:
        """Parse every module of `flows/` and `tasks/` under `root`."""
        trees = {
            _name(path.relative_to(root)): ast.parse(path.read_text(encoding="utf-8"))
            for folder in ("flows", "tasks")
            for path in sorted((root / folder).rglob("*.py"))
        }
        own = {name: frozenset(_own(ast.walk(tree), trees.keys())) - {name} for name, tree in trees.items()}
        libraries = {name: frozenset(_libraries(ast.walk(tree))) for name, tree in trees.items()}
        at_top = {
            name: frozenset([*_libraries(iter(tree.body)), *_own(tree.body, trees.keys())])
            for name, tree in trees.items()
        }
        return cls(own, libraries, at_top)


def _name(path: Path) -> str:
    return ".".join(path.with_suffix("").parts).removesuffix(".__init__")


def _own(nodes: Iterable[ast.AST], modules: object) -> Iterator[str]:
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in modules)  # type: ignore[operator]
        elif isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                if (whole := f"{node.module}.{alias.name}") in modules:  # type: ignore[operator]
                    yield whole
                elif node.module in modules:  # type: ignore[operator]
                    yield node.module


def _libraries(nodes: Iterator[ast.AST]) -> Iterator[str]:
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module.split(".")[0]


def floor_of(module: str) -> int:
    """The floor a module stands on, from 0 (the ground) up.

    >>> floor_of("tasks.records") < floor_of("tasks.linking.link") < floor_of("flows.cli.main")
    True
    """
    fits = [
        (len(prefix), len(FLOORS) - 1 - index)
        for index, (_, prefixes) in enumerate(FLOORS)
        for prefix in prefixes
        if module == prefix or module.startswith(prefix + ".")
    ]
    return max(fits)[1]


def step_of(module: str) -> str | None:
    """The step a module belongs to, None for others."""
    return next((step for step in STEPS if module == step or module.startswith(step + ".")), None)


def upward(tree: Tree) -> list[str]:
    """Imports that run from a floor to one above, or from a step to another."""
    found = []
    for module, others in sorted(tree.imports.items()):
        for other in sorted(others):
            across = step_of(module) and step_of(other) and step_of(module) != step_of(other)
            if floor_of(other) > floor_of(module) or across:
                found.append(f"{module} imports {other}")
    return found


def circles(tree: Tree) -> list[str]:
    """Groups of modules that import each other, directly or by way of others (strongly connected; Tarjan, 1972)."""
    order: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    found: list[str] = []

    def visit(module: str) -> None:
        order[module] = low[module] = len(order)
        stack.append(module)
        for other in sorted(tree.imports[module]):
            if other not in order:
                visit(other)
                low[module] = min(low[module], low[other])
            elif other in stack:
                low[module] = min(low[module], order[other])
        if low[module] == order[module]:
            at = stack.index(module)
            group = stack[at:]
            del stack[at:]
            if len(group) > 1:
                found.append(" <-> ".join(sorted(group)))

    for module in sorted(tree.imports):
        if module not in order:
            visit(module)
    return found


def misplaced_libraries(tree: Tree) -> list[str]:
    """Prefect where it may not be known, and heavy libraries that an import would load."""
    found = []
    for module in sorted(tree.imports):
        shell = module.startswith("flows") or module.endswith(".task") or module == "tasks.caching"
        if "prefect" in tree.libraries[module] and not shell:
            found.append(f"{module} imports prefect")
        heavy = {name for name in tree.at_top[module] if name.endswith(NETWORK)}
        heavy |= set() if module.endswith(NETWORK) else tree.at_top[module] & HEAVY
        found += [f"{module} imports {name} at its top" for name in sorted(heavy)]
    return found


def main() -> int:
    """Print the table; the exit status is 1 where a rule is broken."""
    tree = Tree.read(ROOT)
    folders = Counter(module.rpartition(".")[0] or module for module in tree.imports)
    print("floors, from the top")
    for index, (name, _) in enumerate(FLOORS):
        mine = sorted(m for m in tree.imports if floor_of(m) == len(FLOORS) - 1 - index)
        where = Counter(".".join(m.split(".")[:2]) if m.count(".") > 1 else m.split(".")[0] for m in mine)
        listed = ", ".join(f"{folder} {count}" for folder, count in sorted(where.items()))
        print(f"  {name:16}{len(mine):4} modules   {listed}")
    print("modules a folder")
    print("  " + ", ".join(f"{folder} {count}" for folder, count in sorted(folders.items())))
    broken = 0
    for title, found in (
        ("circles", circles(tree)),
        ("imports that run up", upward(tree)),
        ("misplaced libraries", misplaced_libraries(tree)),
    ):
        print(f"{title}: {len(found)}")
        print(*(f"  {line}" for line in found), sep="\n", end="\n" if found else "")
        broken += len(found)
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
