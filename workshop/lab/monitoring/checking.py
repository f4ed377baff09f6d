"""Validation of configuration by the programs that read it: `promtool check` and `amtool check-config`.

A check takes about 40 ms. Results are cached, so a controller does not repeat the checks of admission. Without the
program nothing is checked, because it does not run in this lab either.
"""

from __future__ import annotations

import re
import subprocess
import tempfile
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from workshop.lab.api_errors import ApiError
from workshop.lab.monitoring.text import to_yaml
from workshop.lab.private_files import write_private
from workshop.programs import find

TIMEOUT_SECONDS = 20
FILE = "file.yaml"
AMTOOL = "amtool"
_UNKNOWN_FIELD = re.compile(r"field (\w+) not found in type .*")


def rule_errors(text: str) -> tuple[str, ...]:
    """The errors of a rules file; empty when Prometheus loads it. Raises ApiError after 20 s."""
    return _lines(_check("promtool", ("check", "rules"), text))


def scrape_errors(scrape_config: dict[str, Any]) -> tuple[str, ...]:
    """The errors of one entry of `scrape_configs`. Raises ApiError after 20 s."""
    text = to_yaml({"scrape_configs": [scrape_config]})
    return _lines(_check("promtool", ("check", "config", "--syntax-only"), text))


def alertmanager_errors(text: str) -> tuple[str, ...]:
    """The errors of Alertmanager's configuration; empty when it loads the file. Raises ApiError after 20 s."""
    # It lists first what it has found in the file.
    return tuple(" ".join(said.rpartition("FAILED:")[2].split()) for said in _check(AMTOOL, ("check-config",), text))


@lru_cache(maxsize=512)
def _check(tool: str, words: tuple[str, ...], text: str) -> tuple[str, ...]:
    """What a tool writes about a file that it refuses, as one text; empty when it takes it."""
    found = _program(tool)
    if found is None:
        return ()
    path, env = found
    with tempfile.TemporaryDirectory(prefix=f"{tool}-") as folder:
        # It may have values of Secrets.
        write_private(Path(folder) / FILE, text.encode())
        try:
            run = subprocess.run(
                [str(path), *words, FILE],
                cwd=folder,
                env={"HOME": folder, **env},
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                timeout=TIMEOUT_SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired as e:
            raise ApiError(f"{tool} did not answer within {TIMEOUT_SECONDS} s; try again") from e
    if run.returncode == 0:
        return ()
    return (run.stdout.strip() or f"{tool} {' '.join(words)} ended with code {run.returncode}",)


def _program(tool: str) -> tuple[Path, Mapping[str, str]] | None:
    """The file of a tool, and the environment variables that it needs."""
    if tool != AMTOOL:
        found = find(tool)
        return (found.path, found.env) if found else None
    # It is in the folder of Alertmanager, in the distributions' packages and in the release.
    server = find("alertmanager")
    path = server.path.with_name(AMTOOL) if server else None
    return (path, server.env) if server and path and path.exists() else None


def _lines(said: tuple[str, ...]) -> tuple[str, ...]:
    """The errors in what promtool writes, one a line."""
    lines = [_plain(line) for text in said for line in text.splitlines() if not line.startswith("Checking ")]
    return tuple(line for line in lines if line)


def _plain(line: str) -> str:
    """A line of promtool's errors without its headings, file names and positions."""
    line = line.strip().removeprefix("FAILED:").strip()
    line = re.sub(rf"^(parsing YAML file )?{re.escape(FILE)}: ?", "", line)
    line = re.sub(r"^yaml: unmarshal errors:$", "", line)
    line = re.sub(r"^((line )?\d+(:\d+)?: )+", "", line)
    return _UNKNOWN_FIELD.sub(r"this version of Prometheus does not support the field \1", line)
