"""`python -m delivery COMMAND`: one line on stderr and exit 1 when something outside the code is wrong."""

from __future__ import annotations

import argparse
import importlib
import sys
from typing import Any

from delivery.cli import exit_code

COMMANDS = {
    "advance": "let the next period of data count, and commit that",
    "audit": "compare the chosen model with the champion on periods that the gate has not seen",
    "canary": "give a new digest a growing share of production, and send it back when it is worse",
    "comment": "write the metrics against the target branch and the gate's verdict to a merge request",
    "compare": "say which of two predictors is better",
    "comparison": "train variants of a model, and compare them in one report",
    "contract": "check that a server is the model that was trained",
    "describe": "print what the data or the chosen model is",
    "experiment": "run a second model in production: an A/B test or a shadow",
    "folder": "print where a Task finds the usecase.yaml of a use case",
    "gate": "decide whether the chosen model may be registered",
    "history": "what was in production when",
    "login": "let Git log in to the participant's Git server",
    "merge-request": "check the use cases that a merge request changes, and comment on it",
    "params": "set params of params.yaml for one run",
    "publish": "push what a run has trained: data, model and commits",
    "register": "put the chosen model into MLflow's registry",
    "release": "the steps of a promotion around the canary",
    "remote": "make DVC use the participant's remote",
    "replay": "play past periods through production as they happened, and say which alert fired when",
    "request": "ask production for a promotion, a test, a shadow or a rollback",
    "rollback": "return production to an earlier release",
    "thresholds": "what each threshold would cost, and what the gate would say",
    "traffic": "send real rows to a deployment",
}


def main(argv: list[str]) -> int:
    """Parse and run one command. Only its module is imported: some need no more than the standard library."""
    parser = argparse.ArgumentParser(prog="python -m delivery", description=__doc__.split("\n", 1)[0])
    parser.add_argument("--errors", choices=["text", "json"], default="text", help="how an error is written to stderr")
    commands = parser.add_subparsers(dest="command", required=True)
    chosen = next((word for word in argv if word in COMMANDS), "")
    for name, summary in COMMANDS.items():
        command = commands.add_parser(name, help=summary)
        if name == chosen:
            _module(name).add(command)
    given = parser.parse_args(argv)
    return exit_code(lambda: int(_module(given.command).run(given)), given.errors)


def _module(name: str) -> Any:
    return importlib.import_module(f"delivery.commands.{name.replace('-', '_')}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
