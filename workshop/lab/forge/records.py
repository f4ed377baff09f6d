"""Small JSON files of a repository, written completely or not at all."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

import msgspec

T = TypeVar("T")


def read(file: Path, type_: type[T]) -> T | None:
    """The content of a file; None if it does not exist or has another form."""
    try:
        return msgspec.json.decode(file.read_bytes(), type=type_)
    except (OSError, msgspec.DecodeError):
        return None


def write(file: Path, content: object) -> None:
    """Write a file. Raises OSError."""
    file.parent.mkdir(exist_ok=True)
    partial = file.with_name(f".{file.name}.new")
    partial.write_bytes(msgspec.json.encode(content))
    partial.replace(file)


def moment() -> str:
    """The time now, as RFC 3339 writes it."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
