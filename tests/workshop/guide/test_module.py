"""Parsing the modules of the guide: front matter, commands, and errors with file and line."""

from __future__ import annotations

from pathlib import Path

import pytest

from workshop.checks import CHECKS
from workshop.errors import ManifestError
from workshop.guide.module import FOLDS, SECTIONS, load_all, parse

KIT = Path(__file__).resolve().parents[3]
FRONT = "---\ntitle: A title\nminutes: 10\nruns-on: lab\nchecks: false\n---\n"
NAME = Path("modules/03-build-the-image.md")


def test_reads_front_matter_and_commands_with_their_lines() -> None:
    module = parse(FRONT + "\ntext\n\n```bash timeout=5 exit=3\n$ one \\\n  two\nprinted\n$ three\n```\n", NAME)
    assert (module.number, module.name, module.title) == ("03", "03-build-the-image", "A title")
    (block,) = module.blocks
    assert (block.timeout, block.exit_code, block.only) == (5.0, 3, "")
    first, second = block.commands
    assert (first.line, first.text, first.expected) == (11, "one \\\n  two", ("printed",))
    assert (second.line, second.text, second.expected) == (14, "three", ())


def test_fences_of_other_languages_are_not_run() -> None:
    assert parse(FRONT + "```yaml\n$ not a command\n```\n", NAME).blocks == ()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("no front matter", "03-build-the-image.md:1: a module begins with front matter"),
        ("---\ntitle: [\n---\n", "the front matter is not YAML"),
        ("---\ntitle: x\n---\n", "lacks minutes, runs-on, checks"),
        (FRONT.replace("checks", "proofs: 1\nchecks"), "unknown field proofs"),
        (FRONT.replace("10", "soon"), "minutes is 'soon'; allowed is a number from 1 to 90"),
        (FRONT.replace("runs-on: lab", "runs-on: moon"), "allowed is one of lab, cluster, both"),
        (FRONT + "```bash retries=3\n$ x\n```\n", ":7: the fence has the option 'retries=3'; allowed are"),
        (FRONT + "```bash timeout=soon\n$ x\n```\n", ":7: exit and timeout are numbers"),
        (FRONT + "```bash only=moon\n$ x\n```\n", ":7: only is 'moon'"),
        (FRONT + "```bash\noc get pods\n```\n", ":8: a bash fence begins with a command"),
    ],
)
def test_refuses_what_is_no_module_and_says_where(text: str, words: str) -> None:
    with pytest.raises(ManifestError) as refused:
        parse(text, NAME)
    assert words in str(refused.value)


def test_refuses_a_file_name_without_a_number() -> None:
    with pytest.raises(ManifestError, match=r"NN-verb-object\.md"):
        parse(FRONT, Path("modules/build.md"))


@pytest.mark.parametrize("module", load_all(KIT / "workshop" / "modules"), ids=lambda module: module.name)
def test_the_kits_modules_follow_the_skeleton(module: object) -> None:
    from workshop.guide.module import Module

    assert isinstance(module, Module)
    headings = [line[3:] for line in module.body.splitlines() if line.startswith("## ")]
    assert tuple(headings) == SECTIONS
    assert module.blocks, "a module without a command teaches nothing that can be run"
    if module.checks:
        assert module.number in CHECKS


def test_every_check_belongs_to_a_module() -> None:
    numbers = {module.number for module in load_all(KIT / "workshop" / "modules") if module.checks}
    assert set(CHECKS) == numbers


def test_the_labels_of_folded_blocks_are_in_the_catalogs() -> None:
    modules = load_all(KIT / "workshop" / "modules")
    assert {block.fold for module in modules for block in module.blocks if block.fold} == set(FOLDS)
