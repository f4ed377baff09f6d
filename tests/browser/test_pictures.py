"""The pictures of the README are current: a changed page makes its picture stale."""

from __future__ import annotations

import json
import re

from tests.browser import pictures


def test_pictures_are_of_the_pages_as_they_are() -> None:
    made = json.loads(pictures.MADE.read_text())
    stale = [name for name in pictures.SOURCES if made.get(name) != pictures.digest(name)]
    assert not stale, f"make them as tests/browser/pictures.py says, and look at them: {', '.join(stale)}"


def test_every_picture_of_the_readme_can_be_made_anew_and_is_small() -> None:
    shown = set(re.findall(r"\(workshop/pictures/([^)]+)\)", (pictures.KIT / "README.md").read_text()))
    there = {file.name for file in pictures.FOLDER.iterdir() if file != pictures.MADE}
    assert shown == there == set(pictures.SOURCES)
    assert all((pictures.FOLDER / name).stat().st_size < 200_000 for name in there)
