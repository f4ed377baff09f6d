"""A section of a page that a command writes, between two comments of HTML."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

END = "<!-- end of figures -->\n"


@dataclass(frozen=True)
class Section:
    """The figures of `command` on a page."""

    page: Path
    command: str

    def write(self, text: str) -> None:
        """Replace the section. Raises RuntimeError, and changes nothing, when the page lacks one of its comments."""
        begin = f"<!-- figures: {self.command} -->\n"
        old = self.page.read_text(encoding="utf-8")
        before, found, rest = old.partition(begin)
        _, end, after = rest.partition(END)
        if not found or not end:
            raise RuntimeError(f"{self.page} lacks one of the lines {begin.strip()} and {END.strip()}")
        self.page.write_text(f"{before}{begin}\n{text}\n{END}{after}", encoding="utf-8")
