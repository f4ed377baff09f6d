"""A language: its tag, its own name, and the translations of `messages.po`.

English is the language of the source. A text without a translation is shown in English.
"""

from __future__ import annotations

import gettext
import io
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from babel.core import Locale, UnknownLocaleError
from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import PoFileError, read_po

from workshop.errors import ManifestError

FOLDER = Path(__file__).resolve().parents[1] / "modules"
CATALOG = "messages.po"


def N_(text: str) -> str:
    """Mark a text for the catalog; a template translates it where it shows it."""
    return text


class Sentence(str):
    """A text with values: `template` is the text of the catalog, in the syntax of `str.format`.

    As a str it is English, so only what shows it to a reader needs to know more: `Language.text` translates it.
    """

    template: str
    values: Mapping[str, object]

    def __new__(cls, template: str, **values: object) -> Sentence:
        """The sentence; KeyError for a value that the template names and that is not given."""
        made = super().__new__(cls, template.format(**values))
        made.template, made.values = template, values
        return made

    def __deepcopy__(self, memo: object) -> Sentence:
        return self


OWN_NAME = N_("English")
"""Its translation is the name that the language has for itself."""


@dataclass(frozen=True)
class Language:
    """A language of the pages. `scripts` are the translations that the pages' scripts need, by English text."""

    tag: str = "en"
    translations: gettext.NullTranslations = field(default_factory=gettext.NullTranslations, compare=False)
    scripts: Mapping[str, str] = field(default_factory=dict, compare=False)

    @property
    def name(self) -> str:
        """The name that the language has for itself; its tag while the catalog does not have the name."""
        name = self.text(OWN_NAME)
        return name if self.tag == ENGLISH.tag or name != OWN_NAME else self.tag

    def text(self, english: str) -> str:
        """The translation of a text of the pages, and of a sentence with its values."""
        if isinstance(english, Sentence):
            values = {name: self.text(v) if isinstance(v, Sentence) else v for name, v in english.values.items()}
            return self.translations.gettext(english.template).format(**values)
        return self.translations.gettext(english) if english else ""


ENGLISH = Language()


def languages() -> dict[str, Language]:
    """All languages by tag, English first. Raises ManifestError for a catalog that is not one."""
    catalogs = sorted(FOLDER.glob(f"*/{CATALOG}"))
    return {ENGLISH.tag: ENGLISH} | {path.parent.name: _language(path, path.stat().st_mtime_ns) for path in catalogs}


def catalog(path: Path) -> Catalog:
    """The catalog of a file. Raises ManifestError."""
    try:
        with path.open("rb") as opened:
            return read_po(opened, locale=locale(path), abort_invalid=True)
    except (PoFileError, ValueError) as e:
        raise ManifestError(f"{path}: not a catalog of messages: {e}", hint="msgfmt --check shows the line") from e


def locale(path: Path) -> Locale:
    """The locale of a catalog's folder. Raises ManifestError if the folder's name is not a language."""
    try:
        return Locale.parse(path.parent.name, sep="-")
    except (UnknownLocaleError, ValueError) as e:
        raise ManifestError(f"{path.parent}: {e}", hint="the folder's name is a BCP 47 tag, such as zh-Hans") from e


@lru_cache(maxsize=32)
def _language(path: Path, _changed: int) -> Language:
    found = catalog(path)
    compiled = io.BytesIO()
    write_mo(compiled, found)
    compiled.seek(0)
    scripts = {
        str(message.id): str(message.string)
        for message in found
        if message.id and message.string and any(str(place).endswith(".js") for place, _ in message.locations)
    }
    return Language(path.parent.name, gettext.GNUTranslations(compiled), scripts)
