"""External links of the guide and of the READMEs.

    python -m workshop.guide.links           lists them with their files and lines
    python -m workshop.guide.links --fetch   also requests each once; exit 1 if one answers with an error

The tests check that they are well formed, without a network.
"""

from __future__ import annotations

import re
import sys
import urllib.error
import urllib.request
from collections.abc import Iterable
from pathlib import Path

KIT = Path(__file__).resolve().parents[2]
_LINK = re.compile(r"\]\((https?:[^)\s]*)")
_WELL_FORMED = re.compile(r"https://[a-z0-9-]+(\.[a-z0-9-]+)+(/[^\s()<>\"]*)?")
SECONDS = 20.0


def texts(kit: Path = KIT) -> list[Path]:
    """The guide, its translations, and the texts for instructors and engineers."""
    return sorted([*(kit / "workshop").glob("*.md"), *(kit / "workshop" / "modules").rglob("*.md"), *kit.glob("*.md"),
                   *kit.glob("*/README.md")])  # fmt: skip


def links(files: Iterable[Path]) -> dict[str, list[str]]:
    """The addresses, each with the places `file:line` that use them."""
    found: dict[str, list[str]] = {}
    for file in files:
        for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), start=1):
            for address in _LINK.findall(line):
                found.setdefault(address, []).append(f"{file}:{number}")
    return dict(sorted(found.items()))


def malformed(addresses: Iterable[str]) -> list[str]:
    """Addresses that are not https with a domain name."""
    return [address for address in addresses if not _WELL_FORMED.fullmatch(address)]


def answer(address: str) -> str:
    """The server's answer: its status, or why there is none."""
    request = urllib.request.Request(address, headers={"User-Agent": "Mozilla/5.0 (link check)"})  # noqa: S310 https
    try:
        with urllib.request.urlopen(request, timeout=SECONDS) as got:  # noqa: S310
            return str(got.status)
    except urllib.error.HTTPError as e:
        return str(e.code)
    except OSError as e:
        return f"no answer: {e}"


def main() -> int:
    """List or fetch them. 403 and 429 are answers to programs and do not mean that the page is missing."""
    fetch, bad = "--fetch" in sys.argv[1:], 0
    for address, places in links(texts()).items():
        said = answer(address) if fetch else ""
        bad += bool(said) and said not in ("200", "403", "429")
        sys.stdout.write(f"{said:<5}{address}\n" + "".join(f"       {place}\n" for place in places))
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
