"""The entry: which verb, with which flags; errors in kubectl's words and with its exit code."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import TextIO

from workshop.cluster.client import ApiFailure
from workshop.errors import WorkshopError
from workshop.oc.failures import Failed, Quiet, told
from workshop.oc.flags import GLOBAL, BadUsage, Flag, parse
from workshop.oc.session import Session

VERBS = {
    "annotate": "labels",
    "api-resources": "about",
    "apply": "apply",
    "auth": "about",
    "config": "projects",
    "create": "create",
    "delete": "delete",
    "describe": "describe",
    "events": "events",
    "explain": "explain",
    "get": "get",
    "kustomize": "apply",
    "label": "labels",
    "logs": "logs",
    "new-project": "projects",
    "patch": "patch",
    "project": "projects",
    "projects": "projects",
    "replace": "create",
    "rollout": "rollout",
    "scale": "rollout",
    "version": "about",
    "wait": "wait",
    "whoami": "about",
}
"""The module of each verb in `workshop.oc.verbs`."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code: 0, or 1 as kubectl has it."""
    argv = list(sys.argv[1:] if argv is None else argv)
    try:
        code = _run(argv)
        sys.stdout.flush()
        return code
    except BadUsage as e:
        _tell(f"error: {e}", sys.stderr)
    except Failed as e:
        _tell(f"error: {e}", sys.stderr)
    except Quiet:
        pass
    except ApiFailure as e:
        _tell(told(e), sys.stderr)
    except WorkshopError as e:
        _tell(f"error: {e}", sys.stderr)
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 1


def _run(argv: list[str]) -> int:
    verb, rest = _verb(argv)
    if not verb or verb in ("help", "--help", "-h"):
        _tell("The built-in oc of the workshop knows: " + ", ".join(VERBS), sys.stdout)
        return 0
    if verb not in VERBS:
        raise BadUsage(f'unknown command "{verb}" for "oc"\nthe built-in oc knows: {", ".join(VERBS)}')
    module = import_module(f"workshop.oc.verbs.{VERBS[verb]}")
    name = verb.replace("-", "_")
    flags: tuple[Flag, ...] = (*GLOBAL, *module.FLAGS[verb])
    words = parse(rest, flags, f"oc {verb}")
    if words.yes("help"):
        _tell((module.__doc__ or "").strip(), sys.stdout)
        _tell(f"flags of oc {verb}: " + ", ".join(sorted(f"--{flag.name}" for flag in flags)), sys.stdout)
        return 0
    run: Callable[[Session], int] = getattr(module, name)
    return run(Session(words))


def _tell(text: str, where: TextIO) -> None:
    where.write(text + "\n")


def _verb(argv: list[str]) -> tuple[str, list[str]]:
    """The verb, and all other words: global flags may stand before it."""
    valued = {f"--{flag.name}" for flag in GLOBAL if flag.type == "text"} | {"-n", "-v"}
    at = 0
    while at < len(argv):
        word = argv[at]
        if not word.startswith("-") or word in ("-h", "--help"):
            return word, argv[:at] + argv[at + 1 :]
        at += 2 if word in valued else 1
    return "", argv
