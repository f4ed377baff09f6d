"""Collects the texts of the pages for the catalogs: `python -m workshop.languages.extract`.

It adds new texts to every `messages.po` with Babel, as `pybabel update` does, and writes the client page's catalog. A
folder without a catalog gets one.
With `--check` it writes nothing, names what is not translated as a warning, and fails if the client page's catalog
differs.
"""

from __future__ import annotations

import io
import json
import re
import sys
from collections.abc import Iterator, Sequence
from html.parser import HTMLParser
from pathlib import Path
from typing import IO, Any

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import write_po

from workshop.languages.catalog import CATALOG, FOLDER, OWN_NAME, catalog, locale
from workshop.usecase import KIT

PAGES = ("workshop/lab/pages", "workshop/lab/components", "workshop/guide", "workshop/checks", "workshop/languages")
CLIENT = KIT / "seldon" / "client"
TEXTS = CLIENT / "page" / "texts.json"
_Found = tuple[int, str, str, list[str]]
"""Line, function, text and comments, as Babel wants them."""
_KEYWORDS = {"_": None, "N_": None, "Sentence": None, "gettext": None, "ngettext": (1, 2)}
_METHODS = [
    ("**/static/**-*.js", "ignore"),
    ("**/static/uplot*", "ignore"),
    ("**.py", "python"),
    ("**/templates/**.html", "jinja2"),
    ("**.js", "javascript"),
    ("**.html", "workshop.languages.extract:plain_html"),
]
_OPTIONS = {"**/templates/**.html": {"trimmed": "true", "silent": "false"}}


def texts(*folders: Path) -> Catalog:
    """The texts of folders, with the files that have them."""
    found = Catalog(project="MLOps workshop", fuzzy=False)
    for folder in folders:
        for name, line, message, comments, context in extract_from_dir(
            folder, _METHODS, _OPTIONS, _KEYWORDS, strip_comment_tags=True
        ):
            place = (folder / name).relative_to(KIT).as_posix()
            found.add(message, None, [(place, line)], auto_comments=comments, context=context)
    return found


def pages() -> Catalog:
    """The texts of all pages, the client page's too."""
    return texts(*(KIT / folder for folder in PAGES), CLIENT)


def plain_html(
    fileobj: IO[bytes], keywords: Any, comment_tags: Any, options: Any
) -> Iterator[tuple[int, str, str, list[str]]]:
    """Babel's extraction for HTML without a template language: the text of elements, and of attributes for people."""
    reader = _Texts()
    reader.feed(fileobj.read().decode())
    for line, text in reader.found:
        yield line, "_", text, []


class _Texts(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[int, str]] = []
        self._tag = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._tag = tag
        given = dict(attrs)
        if tag == "meta" and given.get("name") == "description":
            self._add(given.get("content"))

    def handle_data(self, data: str) -> None:
        if self._tag not in ("script", "style"):
            self._add(data)

    def _add(self, text: str | None) -> None:
        words = " ".join((text or "").split())
        if re.search(r"[A-Za-z]{2}", words):
            self.found.append((self.getpos()[0], words))


def of_the_client(found: dict[str, Catalog]) -> str:
    """The catalog of the client page: by language and English text; a language without any is left out."""
    wanted = {str(message.id) for message in texts(CLIENT) if message.id}
    made = {}
    for tag, each in found.items():
        known = {str(m.id): str(m.string) for m in each if m.id in wanted and m.string}
        if known:
            name = each.get(OWN_NAME)
            made[tag] = {OWN_NAME: str(name.string) if name and name.string else tag} | dict(sorted(known.items()))
    return json.dumps(made, ensure_ascii=False, indent=1, sort_keys=True) + "\n"


def main(words: Sequence[str] = ()) -> int:
    """Update or check the catalogs; 1 if the client page's catalog is not what the catalogs say."""
    check, template = "--check" in words, pages()
    found: dict[str, Catalog] = {}
    for path in sorted(folder / CATALOG for folder in FOLDER.iterdir() if folder.is_dir()):
        known = catalog(path) if path.exists() else Catalog(locale=locale(path), project="OpenShift MLOps workshop")
        known.update(template, no_fuzzy_matching=True, update_header_comment=False)
        known.obsolete.clear()
        found[path.parent.name] = known
        missing = [message for message in known if message.id and not _complete(message.string)]
        if missing:
            some = ", ".join(repr(message.id) for message in missing[:5])
            sys.stdout.write(f"warning: {path}: {len(missing)} texts are not translated: {some}\n")
        if not check:
            path.write_text(_written(known), encoding="utf-8")
    client = of_the_client(found)
    if not check:
        TEXTS.write_text(client, encoding="utf-8")
    elif not TEXTS.exists() or TEXTS.read_text(encoding="utf-8") != client:
        sys.stdout.write(f"error: {TEXTS} differs from the catalogs; `make translations` writes it\n")
        return 1
    return 0


def _written(made: Catalog) -> str:
    """The file of a catalog, without the header's dates and placeholders: they would differ at each run."""
    written = io.BytesIO()
    write_po(written, made, width=120, sort_output=True, include_lineno=False)
    lines = written.getvalue().decode().splitlines(keepends=True)
    return "".join(line for line in lines if not re.match(r'"(POT-Creation|PO-Revision|Last-Tr|Report-Msgid)', line))


def _complete(string: object) -> bool:
    return all(string) if isinstance(string, tuple) else bool(string)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
