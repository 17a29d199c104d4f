"""The documentation against the code: links, paths, commands, settings and the length of each page."""

from __future__ import annotations

import importlib.util
import re
import shlex
import subprocess
from pathlib import Path

import pytest
from typer.testing import CliRunner

from flows.cli.main import app
from tasks.settings.load import setting_names
from tests.documentation import GENERATED, IN_README, ROOT, generated_part

LONGEST = {
    "README.md": 282,
    ".github/CONTRIBUTING.md": 40,
    "flows/README.md": 80,
    "flows/http/README.md": 118,
    "tasks/audio/README.md": 40,
    "tasks/corrections/README.md": 50,
    "tasks/engines/README.md": 60,
    "tasks/comparison/README.md": 60,
    "tasks/dataset/README.md": 300,
    "tasks/evaluation/README.md": 60,
    "tasks/exports/README.md": 100,
    "tasks/quality/README.md": 60,
    "tasks/review/README.md": 40,
    "tasks/settings/README.md": 150,
    "tasks/sharing/README.md": 70,
    "tasks/transcription/README.md": 70,
    "tasks/translation/README.md": 90,
    "tasks/voices/README.md": 50,
    "tasks/weights/README.md": 64,
    "tests/benchmarks/README.md": 275,
    "tests/benchmarks/day/README.md": 60,
    "tests/benchmarks/fleet/README.md": 40,
    "tests/benchmarks/voices/README.md": 110,
    "tests/benchmarks/real_voices/README.md": 95,
}
"""Lines of each page at most. The cards of weights, the sample and the questions are as long as they have to be."""
CARDS = (
    "data/models/demo/README.md",
    "data/models/demo/punctuation/README.md",
    "data/models/demo/separation/README.md",
    "data/models/demo/whisper/README.md",
    "data/recipes/questions/README.md",
    "data/samples/README.md",
)
PAGES = (*LONGEST, *CARDS)
SHORT_SECTIONS = (
    "The report",
    "Query the tables",
    "Speakers across recordings",
    "Correct it",
    "Watch a folder",
    "The Prefect UI",
)
"""Sections of the README that have at most 15 lines of text and code."""
PLACES = re.compile(r"(?:tasks|flows|tests|data/(?:samples|models|recipes))/[\w./-]+")
"""What looks like a path of the repository that git keeps."""
COMMAND = re.compile(r"(?:[A-Z_]+=\S+ )*(?:\.venv/bin/)?daylong( .*)")


def read(page: str) -> str:
    return (ROOT / page).read_text(encoding="utf-8")


def code_of(text: str) -> list[str]:
    """The lines of shell blocks, and inline code; comments are cut off."""
    blocks = re.findall(r"^```sh\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    prose = re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE)
    lines = [line for block in blocks for line in block.splitlines()]
    inline = [" ".join(code.split()) for code in re.findall(r"`([^`]+)`", prose)]
    return [line.split("   #")[0].strip() for line in lines] + inline


def anchor(heading: str) -> str:
    """The anchor that GitHub makes of a heading."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def test_every_page_is_listed_here() -> None:
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.md"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if listed.returncode == 0:  # a copy without its repository has no list
        assert sorted(p for p in listed.stdout.split() if (ROOT / p).exists()) == sorted(PAGES)


@pytest.mark.parametrize("page", LONGEST)
def test_a_page_is_no_longer_than_allowed(page: str) -> None:
    assert len(read(page).splitlines()) <= LONGEST[page]


@pytest.mark.parametrize("section", SHORT_SECTIONS)
def test_a_section_of_the_readme_is_short(section: str) -> None:
    text = read("README.md").split(f"## {section}\n")[1].split("\n## ")[0]
    assert len([line for line in text.splitlines() if line]) <= 15


@pytest.mark.parametrize("page", PAGES)
def test_relative_links_lead_to_files_and_headings(page: str) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", read(page)):
        if re.match(r"https?:", target):
            continue
        name, _, fragment = target.partition("#")
        path = (ROOT / page).parent / name if name else ROOT / page
        assert path.exists(), target
        if fragment:
            headings = re.findall(r"^#+ (.+)$", path.read_text(encoding="utf-8"), re.MULTILINE)
            assert fragment in map(anchor, headings), target


@pytest.mark.parametrize("page", PAGES)
def test_paths_that_are_named_exist(page: str) -> None:
    text = re.sub(r"\]\([^)]*\)|<[^>]*>|https?:\S+", "", read(page))
    for code in re.findall(r"`([^`\s]+)`", text):
        if PLACES.fullmatch(code):
            assert (ROOT / code).exists(), code


@pytest.mark.parametrize("page", PAGES)
def test_commands_of_daylong_parse(page: str) -> None:
    for code in code_of(read(page)):
        found = COMMAND.fullmatch(code)
        if found is None:
            continue
        words = shlex.split(found[1].replace("…", ""))
        done = CliRunner().invoke(app, [*words, "--help"])
        assert done.exit_code == 0, f"{code}\n{done.output}"
        for _, name in re.findall(r"(--set )([a-z_.]+)=", code):
            assert name in setting_names(), code


@pytest.mark.parametrize("page", PAGES)
def test_make_targets_and_modules_exist(page: str) -> None:
    targets = set(re.findall(r"^([a-z-]+):", read("Makefile"), re.MULTILINE))
    for code in code_of(read(page)):
        if found := re.match(r"make ([a-z-]+)$", code):
            assert found[1] in targets, code
        if found := re.match(r"(?:\.venv/bin/)?python -m ((?:tests|data)[\w.]*)(?: |$)", code):
            name = found[1].removesuffix(".").removesuffix(".NAME")
            assert importlib.util.find_spec(name) is not None, code


def test_every_benchmark_is_listed() -> None:
    listed = re.findall(r"^\| `(\w+)` \|", read("tests/benchmarks/README.md"), re.MULTILINE)
    modules = [p for p in (ROOT / "tests" / "benchmarks").iterdir() if not p.name.startswith(("_", "test_"))]
    runnable = {p.stem for p in modules if '"__main__"' in _main_of(p)}
    assert sorted(listed) == sorted(runnable)


def _main_of(module: Path) -> str:
    """The text of what `python -m` runs; empty where it runs nothing."""
    path = module / "__main__.py" if module.is_dir() else module
    return path.read_text(encoding="utf-8") if path.suffix == ".py" and path.exists() else ""


@pytest.mark.parametrize("page", PAGES)
def test_settings_that_are_named_exist(page: str) -> None:
    groups = {name.partition(".")[0] for name in setting_names() if "." in name}
    for code in code_of(read(page)):
        found = re.match(r"([a-z]+)\.([a-z_]+)(?: = |=|$)", code)
        if found and found[1] in groups and Path(code).suffix != ".py":
            assert f"{found[1]}.{found[2]}" in setting_names(), code


@pytest.mark.parametrize(("page", "name"), GENERATED, ids="-".join)
def test_generated_parts_are_up_to_date(page: str, name: str) -> None:
    assert generated_part(read(page), name) == GENERATED[page, name](), "python -m tests.documentation writes it"


def test_the_readme_lists_ten_settings() -> None:
    assert len(IN_README) == 10
    assert set(IN_README) <= set(setting_names())
