"""Writes s2i/PARITY.md."""

from tests.s2i.parity.differences import PAGE, page

PAGE.write_text(page())
