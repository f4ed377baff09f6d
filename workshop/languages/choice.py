"""Which language a reader gets: the one of a link, else the one chosen before, else the browser's.

A link with `?lang=TAG` chooses, and a cookie keeps the choice. Cookies belong to a host and not to a port, so one
choice is enough for all pages of a lab, also for the client page.
"""

from __future__ import annotations

from collections.abc import Mapping

from workshop.languages.catalog import ENGLISH, Language

COOKIE = "workshop-language"
PARAMETER = "lang"
_YEAR = 365 * 24 * 3600
_SCRIPTS = {"zh": "zh-hans", "zh-cn": "zh-hans", "zh-sg": "zh-hans", "zh-tw": "zh-hant", "zh-hk": "zh-hant"}


def choose(known: Mapping[str, Language], *, link: str = "", kept: str = "", accepted: str = "") -> Language:
    """The language of a request: `link` and `kept` are tags, `accepted` is the header Accept-Language."""
    return known.get(link) or known.get(kept) or known[_preferred(accepted, known)]


def cookie(language: Language, path: str = "/") -> str:
    """The header Set-Cookie that keeps a choice for a year. Scripts of the client page read it."""
    return f"{COOKIE}={language.tag}; Path={path}; Max-Age={_YEAR}; SameSite=Lax"


def _preferred(accepted: str, known: Mapping[str, Language]) -> str:
    """The best known tag: `lookup` of RFC 4647, section 3.4; English if there is none.

    Browsers ask for Chinese by the region. CLDR's likely subtags give its script: `zh-CN` is `zh-Hans`.
    """
    tags = {tag.lower(): tag for tag in known}
    for wanted in _by_quality(accepted):
        for likely in (_SCRIPTS.get(wanted, ""), wanted):
            words = likely.split("-")
            for length in range(len(words), 0, -1):
                if found := tags.get("-".join(words[:length])):
                    return found
    return ENGLISH.tag


def _by_quality(accepted: str) -> list[str]:
    found: list[tuple[float, str]] = []
    for part in accepted.split(","):
        tag, _, given = part.strip().partition(";")
        try:
            quality = float(given.strip().removeprefix("q=")) if given else 1.0
        except ValueError:
            continue
        if tag and quality > 0:
            found.append((-quality, tag.strip().lower()))
    return [tag for _, tag in sorted(found, key=lambda one: one[0])]
