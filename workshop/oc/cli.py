"""The entry: oc's own verbs run here, kubectl takes over the process for all others."""

from __future__ import annotations

import argparse
import os
import shlex
import sys
from collections.abc import Sequence
from typing import NoReturn, TextIO

from workshop.cluster.client import ApiFailure
from workshop.cluster.kubectl import kubectl
from workshop.errors import WorkshopError
from workshop.isolation import interpreter
from workshop.oc.refused import Refused
from workshop.oc.verbs import SOURCES, VERBS

_VALUED = ("--context", "--kubeconfig", "--loglevel", "--namespace", "--request-timeout", "-n", "-v")
"""Global flags whose value is the next word, so that `oc -n x project` is the verb `project`."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code: 0, or 1 for every failure, as kubectl has it."""
    words = list(sys.argv[1:] if argv is None else argv)
    try:
        at = _verb(words)
        if at is None or words[at] not in VERBS:
            os.execv(kubectl(), ["kubectl", *words])  # noqa: S606 kubectl takes this process over
        parser = _parser(words[at])
        parsed = parser.parse_args(_joined(parser, words[:at] + words[at + 1 :]))
        code = VERBS[words[at]](parsed)
        sys.stdout.flush()
        return code
    except ApiFailure as e:
        _write(_server_error(e), sys.stderr)
    except WorkshopError as e:
        _write(f"error: {e}", sys.stderr)
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 1


def tool(python: str, real_oc: str | None) -> str:
    """The text of a program `oc`: the machine's own oc if there is one, else this package in front of kubectl.

    It is a shell script, so that `oc get` starts no Python: it costs 2 ms more than kubectl itself. `python` is the
    interpreter of this environment.
    """
    if real_oc:
        return f'#!/bin/sh\nexec {shlex.quote(real_oc)} "$@"\n'
    return f"""#!/bin/sh
# kubectl, with the verbs that oc has and kubectl has not.
skip=
for word; do
  if [ "$skip" ]; then skip=; continue; fi
  case "$word" in
    {" | ".join(_VALUED)}) skip=1 ;;
    -*) ;;
    {" | ".join(VERBS)}) exec {interpreter(python)} -m workshop.oc "$@" ;;
    *) break ;;
  esac
done
exec {shlex.quote(kubectl())} "$@"
"""


class _Parser(argparse.ArgumentParser):
    """Refuses as kubectl does: a line on standard error and exit code 1."""

    def error(self, message: str) -> NoReturn:
        raise Refused(message, hint=f"{self.prog} --help")


def _verb(words: Sequence[str]) -> int | None:
    """Where the verb is; None without one."""
    skip = False
    for at, word in enumerate(words):
        if skip:
            skip = False
        elif word in _VALUED:
            skip = True
        elif not word.startswith("-"):
            return at
    return None


def _parser(verb: str) -> argparse.ArgumentParser:
    made = _Parser(prog=f"oc {verb}", description=VERBS[verb].__doc__, allow_abbrev=False)
    made.add_argument("-n", "--namespace", metavar="NAME")
    made.add_argument("--kubeconfig", metavar="FILE")
    made.add_argument("--context", metavar="NAME")
    match verb:
        case "login":
            made.add_argument("server_url", nargs="?", metavar="SERVER")
            made.add_argument("--server", metavar="URL")
            made.add_argument("--token")
            made.add_argument("--certificate-authority", metavar="FILE")
            made.add_argument("--insecure-skip-tls-verify", type=_boolean, nargs="?", const=True, default=False)
            made.add_argument("-u", "--username")
            made.add_argument("-p", "--password")
        case "whoami":
            made.add_argument("-t", "--show-token", action="store_true")
            made.add_argument("--show-server", action="store_true")
            made.add_argument("-c", "--show-context", action="store_true")
        case "project":
            made.add_argument("name", nargs="?", metavar="PROJECT")
            made.add_argument("-q", "--short", action="store_true")
        case "projects":
            made.add_argument("-q", "--short", action="store_true")
        case "tag":
            made.add_argument("source", metavar="SOURCE")
            made.add_argument("tags", nargs="*", metavar="STREAM:TAG")
            made.add_argument("-d", "--delete", action="store_true")
            made.add_argument("--source", dest="from_kind", choices=SOURCES)
        case "import-image":
            made.add_argument("name", metavar="STREAM:TAG")
            made.add_argument("--from", dest="source", metavar="IMAGE")
            made.add_argument("--confirm", action="store_true")
        case "new-project":
            made.add_argument("name", metavar="PROJECT")
            made.add_argument("--display-name", default="")
            made.add_argument("--description", default="")
            made.add_argument("--skip-config-write", action="store_true")
    return made


def _joined(parser: argparse.ArgumentParser, words: Sequence[str]) -> list[str]:
    """The words, each option with its value in one word: a value may begin with `-`, as a token may."""
    valued = {
        name: "=" if name.startswith("--") else ""
        for action in parser._actions
        if action.nargs is None
        for name in action.option_strings
    }
    found, rest = [], iter(words)
    for word in rest:
        value = next(rest, None) if word in valued else None
        found.append(word if value is None else f"{word}{valued[word]}{value}")
    return found


def _boolean(text: str) -> bool:
    if text not in ("true", "false"):
        raise argparse.ArgumentTypeError("allowed are true and false")
    return text == "true"


def _server_error(error: ApiFailure) -> str:
    """An error of the server in kubectl's words."""
    if error.reason == "Unauthorized":
        return "error: You must be logged in to the server (Unauthorized)"
    reason = f" ({error.reason})" if error.reason else ""
    return f"Error from server{reason}: {error.message}"


def _write(text: str, where: TextIO) -> None:
    where.write(text + "\n")
