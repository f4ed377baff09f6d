"""Validation of Alertmanager's configuration by Alertmanager's own tool: `amtool check-config`.

amtool is in the same folder as Alertmanager, in the distributions' packages and in the release. Where it is missing,
nothing is checked.
"""

from __future__ import annotations

import subprocess
import tempfile
from functools import lru_cache
from pathlib import Path

from workshop.lab.api_errors import ApiError
from workshop.lab.private_files import write_private
from workshop.programs import find

TIMEOUT_SECONDS = 20


@lru_cache(maxsize=64)
def config_errors(text: str) -> tuple[str, ...]:
    """The errors of a configuration file; empty when Alertmanager loads it. Raises ApiError after 20 s."""
    program = find("alertmanager")
    tool = program.path.with_name("amtool") if program else None
    if program is None or tool is None or not tool.exists():
        return ()
    with tempfile.TemporaryDirectory(prefix="amtool-") as folder:
        file = Path(folder) / "file.yaml"
        write_private(file, text.encode())
        try:
            run = subprocess.run(
                [str(tool), "check-config", file.name],
                cwd=folder,
                env={"HOME": folder, **program.env},
                capture_output=True,
                text=True,
                timeout=TIMEOUT_SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired as e:
            raise ApiError(f"amtool did not answer within {TIMEOUT_SECONDS} s; try again") from e
    if run.returncode == 0:
        return ()
    _, _, reason = run.stdout.partition("FAILED:")
    return (" ".join(reason.split()) or f"amtool check-config ended with code {run.returncode}",)
