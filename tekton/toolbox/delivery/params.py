"""The params of a use case: params.yaml, with some of them set for one run.

What is set is written as for `dvc exp run --set-param`, in Hydra's grammar: `candidates.boosted.max_iter=200`. Where
the use case has `conf/config.yaml`, params.yaml is composed of it as DVC composes it (dvc.org, "Hydra composition"), so
a group is set by its option: `size=small`. DVC's own functions do both.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import yaml

from delivery.errors import DeliveryError

FILE, CONF, SET = "params.yaml", "conf/config.yaml", "reports/set-params.txt"
GATE = "gate"


def read(folder: Path, *words: str) -> dict[str, Any]:
    """The params of a folder with some of them set, for a notebook. No file changes. Raises DeliveryError."""
    found: dict[str, Any] = yaml.safe_load(_text(folder, words))
    return found


def write(folder: Path, words: Sequence[str]) -> None:
    """Set params in params.yaml, and write down what was set, for the runs in MLflow.

    Without words, params.yaml becomes what conf/ composes. DeliveryError for a param that is not there, and for the
    bounds of the gate: those are changed by a commit.
    """
    text = _text(folder, words)
    before, after = (yaml.safe_load(one).get(GATE) for one in (_text(folder, ()), text))
    if before != after:
        names = [f"{GATE}.{name}" for name in after or {} if (before or {}).get(name) != after[name]]
        changed = ", ".join(names) or GATE
        raise DeliveryError(
            f"{changed}: a run cannot change the bounds of the gate that it has to pass",
            next=f"change {_source(folder)} in a commit",
        )
    (folder / FILE).write_text(text, encoding="utf-8")
    note = folder / SET
    note.parent.mkdir(exist_ok=True)
    note.write_text(" ".join(words) + "\n", encoding="utf-8")


def noted(folder: Path) -> str:
    """What was set in this folder, or nothing."""
    file = folder / SET
    return file.read_text(encoding="utf-8").strip() if file.is_file() else ""


def _source(folder: Path) -> str:
    """The file that a person changes."""
    return f"{folder.name}/{CONF if (folder / CONF).is_file() else FILE}"


def _text(folder: Path, words: Sequence[str]) -> str:
    """The text of params.yaml with what is set; comments stay where nothing is composed."""
    from dvc.exceptions import DvcException
    from dvc.utils.hydra import apply_overrides, compose_and_dump
    from hydra.errors import HydraException
    from omegaconf.errors import OmegaConfBaseException

    conf = folder / CONF
    with TemporaryDirectory() as temporary:
        file = Path(temporary, FILE)
        try:
            if conf.is_file():
                where = str(conf.parent.resolve())
                compose_and_dump(file, where, None, conf.stem, str(folder), list(words))
            else:
                shutil.copyfile(folder / FILE, file)
                if words:
                    apply_overrides(file, list(words))
        except (DvcException, HydraException, OmegaConfBaseException, ValueError) as error:
            reason = str(error.__cause__ or error).strip().splitlines()[0]
            raise DeliveryError(
                f"{' '.join(words)}: {reason}", next=f"{_source(folder)} has what can be set, as name.name=value"
            ) from error
        except OSError as error:
            raise DeliveryError(f"{error.filename}: {error.strerror}", next="run where params.yaml is") from error
        return file.read_text(encoding="utf-8")
