"""label and annotate: set, change (with --overwrite) and remove (`key-`) keys of objects."""

from __future__ import annotations

from typing import Any

from workshop.cluster.client import PATCH
from workshop.oc.asking import FILES, SELECTOR, Named, chosen, from_files, named
from workshop.oc.failures import Quiet
from workshop.oc.flags import BadUsage, Flag
from workshop.oc.session import Session
from workshop.oc.verbs.apply import dry_run, report

_FLAGS = (
    *FILES,
    *SELECTOR,
    Flag("overwrite", "", "yes"),
    Flag("all-namespaces", "A", "yes"),
    Flag("output", "o"),
    Flag("dry-run", "", "optional", "client"),
    Flag("field-manager"),
    Flag("list", "", "yes"),
    Flag("resource-version"),
)
FLAGS = {"label": _FLAGS, "annotate": _FLAGS}


def label(session: Session) -> int:
    """Change labels."""
    return _change(session, "labels", "label", "labeled")


def annotate(session: Session) -> int:
    """Change annotations."""
    return _change(session, "annotations", "annotation", "annotated")


def _change(session: Session, where: str, noun: str, done: str) -> int:
    names, wanted, removed = _taken_apart(session, noun)
    failed = False
    dry = dry_run(session)
    for one in _objects(session, names):
        before = session.client.http.request("GET", one.path)
        mine: dict[str, str] = before["metadata"].get(where) or {}
        if session.words.yes("list"):
            for key, value in sorted(mine.items()):
                session.say(f"{key}={value}")
            continue
        clash = [key for key, value in wanted.items() if mine.get(key, value) != value]
        if clash and not session.words.yes("overwrite"):
            session.warn(f"error: {_refusal(noun, mine, clash)}")
            failed = True
            continue
        for key in removed:
            if key not in mine:
                session.warn(f'{noun} "{key}" not found.')
        gone = [key for key in removed if key in mine]
        new = {key: value for key, value in wanted.items() if mine.get(key) != value}
        change: dict[str, Any] = {**new, **dict.fromkeys(gone)}
        made = before
        if change and dry != "client":
            query = {
                "fieldManager": session.words.text("field-manager") or f"kubectl-{noun.replace('ation', 'ate')}",
                **({"dryRun": "All"} if dry == "server" else {}),
            }
            made = session.client.http.request(
                "PATCH", one.path, query=query, body={"metadata": {where: change}}, media=PATCH["merge"]
            )
        said = done
        if noun == "label":
            said = "labeled" if new else "unlabeled" if gone else "not labeled"
        report(session, one, made, said, dry)
    if failed:
        raise Quiet
    return 0


def _refusal(noun: str, mine: dict[str, str], clash: list[str]) -> str:
    has = [f"'{key}' already has a value ({mine[key]})" for key in clash]
    if noun == "annotation":
        return f"--overwrite is false but found the following declared annotation(s): {'; '.join(has)}"
    parts = [f"{one}, and --overwrite is false" for one in has]
    return parts[0] if len(parts) == 1 else f"[{', '.join(parts)}]"


def _taken_apart(session: Session, noun: str) -> tuple[list[str], dict[str, str], list[str]]:
    """The words that name objects, the pairs to set, the keys to remove."""
    names: list[str] = []
    wanted: dict[str, str] = {}
    removed: list[str] = []
    for word in session.words.args:
        if "=" in word:
            key, _, value = word.partition("=")
            wanted[key] = value
        elif word.endswith("-") and names:
            removed.append(word[:-1])
        else:
            names.append(word)
    if not wanted and not removed and not session.words.yes("list"):
        raise BadUsage(f"at least one {noun} update is required: KEY=VALUE sets, KEY- removes")
    return names, wanted, removed


def _objects(session: Session, names: list[str]) -> list[Named]:
    if from_files(session) or any("/" in word for word in names) or len(names) > 1:
        return named(session, names)
    return chosen(session, names, verb="label")
