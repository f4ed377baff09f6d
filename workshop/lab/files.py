"""Static files with additional headers."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

REVALIDATE = {"Cache-Control": "no-cache"}
"""Browsers revalidate at each request and get 304 if nothing changed. Without Cache-Control, browsers cache a file for

about a tenth of its age (RFC 9111, 4.2.2), and an edited page would run an old script.
"""


class Files(StaticFiles):
    """The files of a folder, each with these headers; what it does not have is looked for in the `others` in turn."""

    def __init__(self, folder: Path, headers: Mapping[str, str], *others: Path, html: bool = False) -> None:
        super().__init__(directory=folder, html=html)
        self.all_directories += others
        self._headers = headers

    def file_response(
        self, full_path: str | os.PathLike[str], stat_result: os.stat_result, scope: Scope, status_code: int = 200
    ) -> Response:
        response = super().file_response(full_path, stat_result, scope, status_code)
        response.headers.update(self._headers)
        return response
