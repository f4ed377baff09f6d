"""The .dvc pointers of the months: the md5 of each month in Git, and one version of them all.

Only the two keys that `dvc add` writes for a file are read, so DVC is not needed.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

import yaml

from flights.errors import FlightsError
from flights.months import file_name
from flights.params import Params
from flights.paths import home


def path_of(file: Path) -> Path:
    """The pointer of a data file: data/x.csv.dvc for data/x.csv."""
    return file.with_name(f"{file.name}.dvc")


def expected_md5(file: Path) -> str | None:
    """The md5 in the file's pointer, or None when it has no pointer."""
    pointer = path_of(file)
    if not pointer.exists():
        return None
    try:
        (out,) = yaml.safe_load(pointer.read_text(encoding="utf-8"))["outs"]
        return str(out["md5"])
    except (yaml.YAMLError, KeyError, TypeError, ValueError) as error:
        raise FlightsError(
            f"{pointer}: cannot read outs[0].md5 ({error}), allowed: what `dvc add` writes, "
            f"next: git checkout {pointer}"
        ) from error


def file_md5(path: Path) -> str:
    """The md5 of a file's bytes, as DVC computes it. It identifies the content and protects against nothing."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()


def data_version(digests: Mapping[str, str]) -> str:
    """A short hash of the files' names and md5s: the same for the same data only."""
    text = "".join(f"{digests[name]}  {name}\n" for name in sorted(digests))
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def files_of_data(given: Params, folder: Path) -> dict[str, str]:
    """The files of the months in params.yaml, and the MD5 of each."""
    return {name: file_md5(folder / name) for name in map(file_name, given.all_months)}


def version_of_data(given: Params, folder: Path) -> str:
    """The data version that the stage `months` wrote, else that of the files."""
    written = home() / "reports/months.json"
    if written.exists():
        known = json.loads(written.read_text(encoding="utf-8"))
        if sorted(known["months"]) == sorted(map(file_name, given.all_months)):
            return str(known["data_version"])
    return data_version(files_of_data(given, folder))
