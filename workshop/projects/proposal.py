"""From a survey of a CSV file and a label to the task, the contract of the columns, and the bounds of the gate."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from workshop.errors import UsageError
from workshop.projects.columns import DATE, EMPTY, INTEGER, NUMBER, STRING, Column
from workshop.projects.survey import FEWEST, FEWEST_OF_CLASS, Survey

CLASSIFICATION, REGRESSION = "classification", "regression"
MOST_CLASSES = 20
"""Different integers from which a label is proposed as a value and not as a class."""
MOSTLY_MISSING = 0.95
_CLASS = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,40}")


@dataclass(frozen=True)
class Proposal:
    """What a project needs to know of its table. `contract` is the content of contract.yaml without the file's name."""

    task: str
    label: str
    contract: dict[str, Any]
    slices: list[str]
    answers: dict[str, Any]
    """For the template: classes and threshold, or target and bounds of the error."""
    notes: list[str]


def proposed_task(label: Column) -> str:
    """classification for texts and few integers, else regression."""
    few = len(label.values) <= MOST_CLASSES and not label.more_values
    return CLASSIFICATION if label.type in (STRING, EMPTY, DATE) or (label.type == INTEGER and few) else REGRESSION


def propose(found: Survey, label_name: str, task: str = "", positive: str = "") -> Proposal:
    """The project of a table. Without a `task`, that of the label's values. Raises UsageError."""
    label = _label(found, label_name)
    proposed = proposed_task(label)
    task = task or proposed
    if task == REGRESSION and label.type not in (INTEGER, NUMBER):
        line, value = next(iter(sorted(label.first.values())))
        raise UsageError(
            f"{found.file}:{line}: {label.name}: got {value[:40]!r}, which is no number; a regression predicts numbers",
            hint=f"--task {CLASSIFICATION}, or another --target",
        )
    if positive and task == REGRESSION:
        raise UsageError("--positive: a regression has no classes", hint=f"--task {CLASSIFICATION}")
    if label.known < FEWEST:
        raise UsageError(
            f"{found.place}: {label.name}: {label.known} rows have a value, allowed: at least {FEWEST}",
            hint="more rows; a model that is tested on a few says nothing",
        )
    answers = _classes(found, label, positive) if task == CLASSIFICATION else _bounds(found, label)
    notes = [f"{label.name}: {label.missing:,} rows have no value and are left out"] if label.missing else []
    columns = [_column(one, label, task, notes) for one in found.columns]
    features = [one for one in columns if one["role"] == "feature"]
    if not features:
        raise UsageError(f"{found.place}: no column can be a feature: {'; '.join(notes)}", hint="add columns")
    slices = [one["name"] for one in features if found[one["name"]].has_few_values][:2]
    contract: dict[str, Any] = {"columns": columns}
    if task == CLASSIFICATION:
        contract["positive"] = answers.pop("value")
    return Proposal(task, label.name, contract, slices, answers, notes)


def _label(found: Survey, name: str) -> Column:
    if not name:
        proposals = ", ".join(f"{one.name} ({proposed_task(one)})" for one in found.columns if one.type != EMPTY)
        raise UsageError(f"{found.place}: which column is to be predicted?", hint=f"--target, one of: {proposals}")
    if name not in found.names:
        raise UsageError(f"{found.place}: no column is called {name!r}", hint=f"it has {', '.join(found.names)}")
    label = found[name]
    if label.type == DATE:
        line, value = label.first[DATE]
        raise UsageError(
            f"{found.file}:{line}: {name}: got {value[:40]!r}, a date, which no model here predicts",
            hint="add a column with what follows from the date, for example a number of days",
        )
    if len(label.values) < 2:
        only = next(iter(label.values), "nothing")
        raise UsageError(
            f"{found.place}: {label.name}: all rows have {only[:40]!r}: there is nothing to predict",
            hint="another --target",
        )
    return label


def _classes(found: Survey, label: Column, positive: str) -> dict[str, Any]:
    """The two classes. Of more than two values, `positive` is one class and all others are the other."""
    counts = label.values.most_common()
    shown = ", ".join(f"{value[:30]} ({count:,})" for value, count in counts[:8]) + (" ..." if len(counts) > 8 else "")
    if positive and positive not in label.values:
        raise UsageError(f"--positive: {label.name} has no value {positive!r}", hint=f"it has {shown}")
    if len(counts) > 2 and not positive:
        raise UsageError(
            f"{found.place}: {label.name}: {'at least ' if label.more_values else ''}{len(counts)} values, allowed: "
            f"two classes; it has {shown}",
            hint=f"--positive VALUE predicts one value against all others; --task {REGRESSION} predicts numbers",
        )
    # The rarer one is usually what is looked for.
    chosen = positive or counts[-1][0]
    count = label.values[chosen]
    if min(count, label.known - count) < FEWEST_OF_CLASS:
        raise UsageError(
            f"{found.place}: {label.name}: {count} of {label.known:,} rows have {chosen[:40]!r}, "
            f"allowed: at least {FEWEST_OF_CLASS} rows of each class",
            hint="more rows, or another --positive",
        )
    others = [value for value, _ in counts if value != chosen]
    name = _class_name(label.name, chosen)
    negative = _class_name(label.name, others[0]) if len(others) == 1 else name
    if negative == name:
        # There are several others, or signs alone tell the two apart, such as + and -.
        negative = f"not-{name}"
    share = round(20 * count / label.known) / 20
    return {"value": chosen, "positive": name, "negative": negative, "threshold": min(max(share, 0.1), 0.9)}


def _class_name(label: str, value: str) -> str:
    """A value as the name of a class, which is a label of Prometheus and a name in an answer."""
    if _CLASS.fullmatch(value) and value.lower() not in ("true", "false", "yes", "no", "on", "off", "null"):
        return value
    return re.sub(r"[^A-Za-z0-9_.-]+", "-", f"{label}-{value}")[:41].strip("-")


def _bounds(found: Survey, label: Column) -> dict[str, Any]:
    if not label.deviation:
        raise UsageError(f"{found.place}: {label.name}: all rows have the same value", hint="another --target")
    return {
        "target": label.name,
        "max_rmse": float(f"{label.deviation:.3g}"),
        "min_rmse": float(f"{label.deviation / 1000:.2g}"),
    }


def _column(column: Column, label: Column, task: str, notes: list[str]) -> dict[str, Any]:
    """An entry of contract.yaml; what is left out gets a note."""
    entry: dict[str, Any] = {"name": column.name, "type": column.type, "role": "feature"}
    nullable = column.missing > 0
    if column is label:
        # Rows without a label are left out, so they may be there.
        entry |= {"role": "label"}
        nullable = True
        if task == CLASSIFICATION:
            entry["type"] = STRING
            return entry | {"nullable": nullable} | ({"enum": sorted(column.values)} if not column.more_values else {})
    elif reason := _unused(column):
        notes.append(f"{column.name}: {reason}, so it is no feature")
        return entry | {"type": STRING, "role": "unused", "nullable": True}
    if entry["type"] in (INTEGER, NUMBER):
        if column is label:
            entry["type"] = NUMBER
        low, high = column.bounds
        entry |= {"minimum": int(low), "maximum": int(high)} if column.type == INTEGER else {
            "minimum": low, "maximum": high, "decimals": column.decimals}  # fmt: skip
    elif column.enum:
        entry["enum"] = column.enum
    return entry | ({"nullable": True} if nullable else {})


def _unused(column: Column) -> str:
    """Why a column is no feature, or nothing."""
    if column.type == EMPTY:
        return "it has no value"
    if column.missing > MOSTLY_MISSING * column.rows:
        return f"{column.missing:,} of {column.rows:,} values are missing"
    if column.is_constant:
        return f"all rows have {next(iter(column.values))[:40]!r}"
    if column.type == DATE:
        return "dates are no numbers; add a column with what matters of them, such as the month"
    if column.is_identifier:
        return "nearly each row has another value, as an identifier"
    return ""
