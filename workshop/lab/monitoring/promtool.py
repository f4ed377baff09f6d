"""Validation of a part of Prometheus' configuration by Prometheus itself: `promtool check`.

A check takes about 40 ms. Results are cached, so the controller does not repeat the checks of admission. Without
promtool nothing is checked, because no Prometheus runs either.
"""

from __future__ import annotations

import re
import subprocess
import tempfile
from functools import lru_cache
from pathlib import Path
from typing import Any

from workshop.lab.api_errors import ApiError
from workshop.lab.monitoring.text import to_yaml
from workshop.programs import find

TIMEOUT_SECONDS = 20
_UNKNOWN_FIELD = re.compile(r"field (\w+) not found in type .*")


@lru_cache(maxsize=256)
def rule_errors(text: str) -> tuple[str, ...]:
    """The errors of a rules file; empty when Prometheus loads it. Raises ApiError after 20 s."""
    return _check("rules", text)


def scrape_errors(scrape_config: dict[str, Any]) -> tuple[str, ...]:
    """The errors of one entry of `scrape_configs`. Raises ApiError after 20 s."""
    return _config_errors(to_yaml({"scrape_configs": [scrape_config]}))


@lru_cache(maxsize=256)
def _config_errors(text: str) -> tuple[str, ...]:
    return _check("config", text, "--syntax-only")


def _check(what: str, text: str, *options: str) -> tuple[str, ...]:
    program = find("promtool")
    if program is None:
        return ()
    with tempfile.TemporaryDirectory(prefix="promtool-") as folder:
        file = Path(folder) / "file.yaml"
        file.write_text(text)
        try:
            run = subprocess.run(
                [str(program.path), "check", what, *options, file.name],
                cwd=folder,
                capture_output=True,
                text=True,
                timeout=TIMEOUT_SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired as e:
            raise ApiError(f"promtool did not answer within {TIMEOUT_SECONDS} s; try again") from e
    if run.returncode == 0:
        return ()
    lines = [_plain(line) for line in run.stderr.splitlines()]
    return tuple(line for line in lines if line) or (f"promtool check {what} ended with code {run.returncode}",)


def _plain(line: str) -> str:
    """A line of promtool's errors without its headings, file names and positions."""
    line = line.strip().removeprefix("FAILED:").strip()
    line = re.sub(r"^(parsing YAML file )?file\.yaml: ?", "", line)
    line = re.sub(r"^yaml: unmarshal errors:$", "", line)
    line = re.sub(r"^((line )?\d+(:\d+)?: )+", "", line)
    return _UNKNOWN_FIELD.sub(r"this version of Prometheus does not support the field \1", line)
