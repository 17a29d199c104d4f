"""The engines of each step, and what a name of weights means to each: parts of `daylong models`."""

from __future__ import annotations

from collections.abc import Iterator

from flows.cli.summary import make_table
from flows.cli.terminal import Terminal, escape
from tasks.engines import registry
from tasks.engines.spec import Capabilities, EngineSpec
from tasks.errors import UsageError
from tasks.paths import suggest_path
from tasks.weights.explain import explain, suggest_name
from tasks.weights.names import find_local_path


def show_engines(screen: Terminal) -> None:
    """Print the engines: whether each can run here, what it can do, and whose code and weights run."""
    table = make_table(screen, "step", "engine", "state", "can", "what runs")
    for column in table.columns:
        column.justify, column.no_wrap, column.overflow = "left", False, "fold"
    for step in registry.BUILT_IN:
        for spec in registry.list_specs(step):
            obstacle = spec.find_obstacle() or "ready"
            table.add_row(step, spec.name, escape(obstacle), describe(spec), escape(spec.provenance))
    screen.print_table(table)


def show_meanings(name: str, screen: Terminal) -> None:
    """Print what a name of weights means to each engine. Raises UsageError where it means nothing to any."""
    found = explain(name)
    local = find_local_path(name)
    if not found and local is not None:
        why = "no engine reads it" if local.exists() else f"there is no such file or folder. {suggest_path(local)}"
        raise UsageError(f"{name}: {why}")
    if not found:
        near = suggest_name(name)
        hint = (
            f"; did you mean {near}?" if near else ". Name a repository of the hub (owner/name), a folder or a file"
        )
        raise UsageError(f"{name}: no engine knows this name{hint}")
    for each in found:
        screen.say(f"{each.engine} ({each.setting} = {escape(name)}): {escape(each.meaning)}")


def describe(spec: EngineSpec) -> str:
    """What an engine can do, in a few words."""
    return ", ".join(_list_abilities(spec)) or "–"


def _list_abilities(spec: EngineSpec) -> Iterator[str]:
    can = spec.capabilities
    if spec.step == "transcription":
        yield from _list_of_recogniser(can)
    if spec.step == "diarization":
        yield f"{can.most_speakers or 'any number of'} speakers a chunk"
        if can.sees_overlap:
            yield "overlap"
    if spec.step == "alignment":
        yield from _list_of_aligner(can)
    if can.remote:
        yield "runs elsewhere: the sound leaves this machine"
    elif can.devices != Capabilities().devices:
        yield f"on {' and '.join(can.devices)} alone"


def _list_of_aligner(can: Capabilities) -> Iterator[str]:
    yield from _count_languages(can)
    if can.confidences:
        yield "confidences"
    if can.longest_s:
        yield f"{can.longest_s:g} s at a time"


def _count_languages(can: Capabilities) -> Iterator[str]:
    if can.languages is not None:
        yield f"{len(can.languages)} language{'s' * (len(can.languages) != 1)}"


def _list_of_recogniser(can: Capabilities) -> Iterator[str]:
    yield from _count_languages(can)
    yield {"none": "no times of words", "starts": "starts of words", "full": "times of words"}[can.word_times]
    named = {
        "confidences": can.confidences,
        "finds the language": can.detects_language,
        "prompt": can.prompt,
        "hotwords": can.hotwords,
        "earlier text": can.context,
        "translates into English": can.translates,
        "several languages at once": can.mixes_languages,
        "batches": can.batches,
    }
    yield from (name for name, has in named.items() if has)
    if can.longest_s:
        yield f"{can.longest_s:g} s at a time"
