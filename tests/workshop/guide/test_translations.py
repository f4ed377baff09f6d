"""Translated modules: they execute what their source does, and say when it has changed."""

from __future__ import annotations

from pathlib import Path

import pytest

from workshop.errors import ManifestError
from workshop.guide.module import Module, load, load_all
from workshop.guide.render import render
from workshop.guide.slides import slides
from workshop.guide.translations import differences, digest, in_language, main, sync
from workshop.languages.catalog import languages

KIT = Path(__file__).resolve().parents[3]
MODULES = load_all(KIT / "workshop" / "modules")
TRANSLATED = [(module, tag) for module in MODULES for tag in languages() if in_language(module, tag).language != "en"]
FRONT = "---\ntitle: A title\nminutes: 10\nruns-on: lab\nchecks: false\n---\n"
BODY = """
## You will

- run [a file](../../README.md) and [the next](02-b.md)

## Steps

> **Before you run it.** One or two?
>
> - [x] one
> - [ ] two
>
> **Answer.** One.

[README.md](../../README.md "include")

```bash timeout=5
$ echo 1
1
```
"""


@pytest.fixture
def english(tmp_path: Path) -> Module:
    """A module in `workshop/modules` of an empty folder, with an empty folder for its translation."""
    folder = tmp_path / "workshop" / "modules"
    (folder / "zh-Hans").mkdir(parents=True)
    (folder / "01-a.md").write_text(FRONT + BODY)
    return load(folder / "01-a.md")


def translated(english: Module, *changes: tuple[str, str], source: str = "") -> Module:
    text = FRONT.replace("checks: false\n", f"checks: false\nsource: {source or digest(english)}\n")
    text += BODY.replace("../../README.md", "../../../README.md").replace("You will", "你将").replace("run [a", "[一")
    for before, after in changes:
        assert before in text
        text = text.replace(before, after)
    path = english.path.parent / "zh-Hans" / english.path.name
    path.write_text(text)
    return load(path)


def test_a_module_without_a_translation_is_shown_in_english(english: Module) -> None:
    assert in_language(english, "zh-Hans").module == english
    assert in_language(english, "zh-Hans").language == "en"


def test_a_translation_is_stale_as_soon_as_its_source_has_changed(english: Module) -> None:
    translated(english)
    assert not in_language(english, "zh-Hans").stale
    english.path.write_text(FRONT + BODY + "More.\n")
    assert in_language(load(english.path), "zh-Hans").stale


def test_a_translation_with_the_same_blocks_includes_and_links_has_no_differences(english: Module) -> None:
    assert differences(english, translated(english)) == []


@pytest.mark.parametrize(
    ("before", "after", "named"),
    [
        ("echo 1\n1", "echo 2\n1", "block 1"),
        ("$ echo 1\n1", "$ echo 1\n2", "block 1"),
        ("timeout=5", "timeout=6", "block 1"),
        ("```\n", "```\n\n```bash\n$ rm x\n```\n", "block 2"),
        ('"include"', '"include lines 1-2"', "link"),
        ('../../../README.md "include"', '../../README.md "include"', "link"),
        ("(02-b.md)", "(03-c.md)", "link"),
        ("minutes: 10", "minutes: 11", "front matter"),
        ("## Steps", "### Steps", "heading 2"),
        ("[x] one\n> - [ ] two", "[ ] one\n> - [x] two", "question 1"),
        ("> - [ ] two", "> - [ ] two\n> - [ ] three", "question 1"),
        ("> **Before you run it.**", "> **先想一想。**", "question 1"),
    ],
)
def test_a_translation_that_would_execute_something_else_is_named(
    english: Module, before: str, after: str, named: str
) -> None:
    found = differences(english, translated(english, (before, after)))
    assert found and all(named in each for each in found[:1]), found


def test_a_sync_copies_the_blocks_keeps_the_text_and_leaves_it_stale(english: Module) -> None:
    made = translated(
        english, ("echo 1\n1", "echo 2\n2"), ('README.md "include"', 'LICENSE "include"'), source="0" * 12
    )
    sync(english, made)
    after = in_language(english, "zh-Hans")
    assert differences(english, after.module) == [] and after.stale
    assert "## 你将" in after.module.body


def test_a_sync_refuses_a_translation_with_another_number_of_blocks(english: Module) -> None:
    made = translated(english, ("```\n", "```\n\n```bash\n$ echo 3\n```\n"))
    with pytest.raises(ManifestError, match=r"it has 3 blocks, 01-a\.md has 2"):
        sync(english, made)


@pytest.mark.parametrize(("module", "tag"), TRANSLATED, ids=lambda value: getattr(value, "name", value))
def test_the_kits_translations_execute_what_their_source_executes(module: Module, tag: str) -> None:
    made = in_language(module, tag).module
    assert differences(module, made) == [], "python -m workshop.guide.translations --sync copies the blocks"
    assert made.blocks and len(made.blocks) == len(module.blocks)
    for where in ("lab", "cluster"):
        assert render(made, KIT, {}, where, languages()[tag].text)
    assert len(slides([made])) == len(slides([module]))


def test_stale_translations_are_warnings_and_not_errors(capsys: pytest.CaptureFixture[str]) -> None:
    assert main() == 0, capsys.readouterr().out
    assert "error:" not in capsys.readouterr().out
