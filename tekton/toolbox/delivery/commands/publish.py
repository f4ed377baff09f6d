"""Give back what a run has trained: data and model to the DVC remote, dvc.lock and the run's commits to main.

    python -m delivery publish --run retrain-x

`dvc pull` in a clone gets this model then. When main has moved since the run began, the commits go to the branch
retrain/<run>, and the log has the command that merges it.
"""

from __future__ import annotations

import argparse

from delivery import repository, usecase
from delivery.cli import add_results, say, write_results

LOCK = "dvc.lock"


def add(parser: argparse.ArgumentParser) -> None:
    """The options."""
    parser.add_argument("--run", required=True, help="the PipelineRun, for the commit's message and the branch")
    add_results(parser, "branch and commit")


def run(given: argparse.Namespace) -> int:
    """Record the outputs, push them, then commit and push. DeliveryError; what main has then is complete."""
    url = repository.set_remote(usecase.folder())
    repository.dvc("commit", "--force")
    # Before the commit, so that a clone with the commit can pull what it names.
    repository.dvc("push")
    say(f"---> data and model are in {url}")
    commit = repository.commit(f"Record the model of {given.run}", [LOCK])
    branch = repository.push(f"retrain/{given.run}")
    if branch == repository.MAIN:
        say(f"---> {branch} is at {commit[:9]}; git pull brings it into a clone of {branch}")
    else:
        say(f"---> {repository.MAIN} has moved meanwhile, so {commit[:9]} is on {branch}; to merge it:")
        say(f"git fetch && git switch {repository.MAIN} && git pull && git merge origin/{branch} && git push")
    write_results(given.results, {"branch": branch, "commit": commit})
    return 0
