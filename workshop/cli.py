"""The arguments of the command line; each verb is a module of `workshop.commands`.

A verb is imported when it is called, so `workshop status` does not wait for the imports of `workshop run`.
"""

from __future__ import annotations

import argparse
import importlib
import os
import re
import sys
import traceback
from collections.abc import Sequence
from typing import Any

from workshop import output
from workshop.errors import INTERRUPTED, UsageError, WorkshopError, disk_error

EPILOG = """exit codes: 0 ok, 1 unexpected, 2 usage, 3 environment, 4 manifest rejected, 5 a run failed, 6 timed out,
130 interrupted"""

WITHOUT_TARGET = (
    "cluster", "cohort", "component", "doctor", "down", "lab", "links", "lint", "logs", "new", "pipeline", "reset",
    "shell", "status", "up", "update"
)  # fmt: skip
"""Verbs about the lab itself, those of an instructor, and those of a clone or of files alone. The others get a target:
the lab or a cluster."""


RUNTIMES = ("process", "podman")
"""The names in workshop.lab.runtimes.choice. Importing it would slow down every verb."""


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> None:  # type: ignore[override]
        raise UsageError(message, hint=f"{self.prog} --help lists what is allowed")


def parser() -> argparse.ArgumentParser:
    """Every verb with its options."""
    top = _Parser(prog="workshop", description="The MLOps workshop: lab, pipelines and guide.", epilog=EPILOG)
    top.add_argument("--debug", action="store_true", help="show the traceback of an unexpected error")
    verbs = top.add_subparsers(dest="verb", metavar="VERB", parser_class=_Parser)

    def verb(name: str, help_: str, formats: Sequence[str] = (output.TEXT, output.JSON)) -> argparse.ArgumentParser:
        made: argparse.ArgumentParser = verbs.add_parser(name, help=help_, description=help_)
        made.add_argument("-o", "--output", choices=formats, default=output.TEXT)
        return made

    verb("doctor", "check whether this machine has what the lab needs")
    up = verb("up", "start the lab, unless it is running")
    up.add_argument("--ports", default="", help="`free`, or name=number,... (see workshop status for the names)")
    up.add_argument("--users", type=int, metavar="N", help="user1 to userN; without it, those of the last start")
    up.add_argument("--runtime", choices=RUNTIMES, default="",
                    help="of the steps; without it, that of the last start, the first time process")  # fmt: skip
    up.add_argument("--timeout", type=float, default=180.0, help="seconds to wait until everything is ready")
    verb("links", "print the link of each participant, and the instructor's to the board")
    verb("down", "stop the lab and keep its state")
    verb("status", "show the running parts, their addresses and their memory")
    logs = verb("logs", "print the log of the lab or of one part")
    logs.add_argument("component", nargs="?", default="lab")
    logs.add_argument("-f", "--follow", action="store_true")
    logs.add_argument("-n", "--lines", type=int, default=100)
    reset = verb("reset", "stop the lab and delete its state; with NN, undo a module")
    reset.add_argument("module", nargs="?", default="", metavar="NN")
    reset.add_argument("--yes", action="store_true", help="do not ask")
    shell = verb("shell", "open a shell in the participant's clone, with oc, dvc, mlflow and workshop")
    shell.add_argument("command", nargs=argparse.REMAINDER, help="a command to run instead of an interactive shell")
    run = verb("run", "submit manifests and follow the runs that they create; the exit code is their result")
    run.add_argument("files", nargs="+", metavar="FILE", help="manifests; - is standard input")
    run.add_argument("-n", "--namespace", default="")
    run.add_argument("-p", "--param", action="append", default=[], metavar="NAME=VALUE", help="a param of the runs")
    run.add_argument("--timeout", type=float, default=3600.0, help="seconds until the command gives up following")
    run.add_argument("--report", default="", metavar="FILE", help="write a JUnit report: a testcase for each task")
    run.add_argument("--watch", action="store_true", help="run again when the files change, until Ctrl-C")
    _here(run)
    lint = verb(
        "lint",
        "find mistakes in manifests, without a lab; the exit code is 4 if there are errors",
        (output.TEXT, output.JSON, output.SARIF),
    )
    lint.add_argument("files", nargs="+", metavar="FILE|FOLDER", help="manifests; - is standard input")
    lint.add_argument("--rule", action="append", default=[], metavar="RULE", help="only this rule; repeat it for more")
    lint.add_argument("--ignore", action="append", default=[], metavar="RULE", help="not this rule; repeat it for more")
    lint.add_argument("--strict", action="store_true", help="end with 4 for warnings too")
    guide = verb("guide", "serve the guide's pages on loopback, as JupyterHub's servers on a cluster do")
    guide.add_argument("--port", type=int, required=True)
    guide.add_argument("--root", default="", metavar="PREFIX", help="what the addresses of the pages begin with")
    follow = verb("follow", "follow the run that a push of this commit started; the exit code is its result")
    follow.add_argument(
        "pipeline", nargs="?", default="train-and-stage", help="a Pipeline, or the name of a PipelineRun"
    )
    follow.add_argument("-n", "--namespace", default="")
    follow.add_argument("--timeout", type=float, default=3600.0, help="seconds until the command gives up following")
    lab = verb("lab", "start the lab and take the model from data to production")
    lab.add_argument("--ports", default="")
    lab.add_argument("--data", action="store_true", help="end when the DVC remote has the data, which module 2 needs")
    approve = verb("approve", "answer the approval that a pipeline waits for")
    approve.add_argument("name", nargs="?", help="the ApprovalTask; without a name, the one that waits")
    approve.add_argument("--reject", action="store_true", help="reject instead of approve")
    approve.add_argument("-m", "--message", default="", help="the reason")
    approve.add_argument("-n", "--namespace", default="")
    approve.add_argument("--timeout", type=float, default=0.0, help="seconds to wait until the approval exists")
    promote = verb("promote", "ask production for what staging runs, as the push of a tag v* does")
    _usecase(promote)
    replay = verb("replay", "play real months through production, faster than they happened; prints what fired when")
    replay.add_argument("--months", default="9-12", help="1 to 12, written as 9-12 or 9,12 (default: 9-12)")
    replay.add_argument("--speed", type=float, default=5000.0, metavar="N", help="times faster (default: 5000)")
    replay.add_argument("--share", type=float, default=1.0, help="of the flights that is played (default: all)")
    replay.add_argument("--seed", type=int, default=1, help="which flights a share has (default: 1)")
    _usecase(replay)
    drill = verb("drill", "inject a failure and wait until something catches it; without NAME, list the drills")
    drill.add_argument("name", nargs="?", default="", metavar="NAME")
    drill.add_argument("--stop", action="store_true", help="take the failure back")
    drill.add_argument("--timeout", type=float, default=900.0, help="seconds until it must be caught (default: 900)")
    rollback = verb("rollback", "return production to the previous release, or to any earlier one")
    rollback.add_argument(
        "wanted", nargs="?", default="", metavar="VERSION|DIGEST", help="as workshop history prints it"
    )
    rollback.add_argument("--because", default="", help="the reason, for the history")
    _usecase(rollback)
    history = verb("history", "show the releases of production, and why each was replaced")
    history.add_argument("--measures", action="store_true", help="lead time, frequency, failure rate, time to restore")
    _usecase(history)
    thresholds = verb("thresholds", "show what each threshold would cost, and what the gate would say")
    thresholds.add_argument(
        "--missed", type=float, default=5.0, help="cost of a positive row that was missed (default: 5)"
    )
    thresholds.add_argument("--false-alarm", type=float, default=1.0, help="cost of a false alarm (default: 1)")
    _usecase(thresholds)
    contest = verb("contest", "try to get a bad model past the gate: judge the model in the clone by hidden data")
    _usecase(contest)
    trace = verb("trace", "follow a prediction to its data, or data and commits to what they serve")
    trace.add_argument("what", nargs="?", default="", metavar="WHAT",
                       help="a puid, a file with an answer (- is standard input), a digest, a version, a commit, a "
                       "PipelineRun, a data file, a version of the data, an MLflow run")  # fmt: skip
    trace.add_argument("--at", default="", metavar="TIME", help="what was in production then: 2026-11-29T14:05Z")
    _folder(trace)
    sbom = verb("sbom", "list the packages of a model's image; -o json prints the document (CycloneDX)")
    sbom.add_argument("image", nargs="?", default="production", help="staging, production, or the name of an image")
    _folder(sbom)
    start = verb("start", "bring any state to the start of a module")
    start.add_argument("module", metavar="NN")
    start.add_argument("--yes", action="store_true", help="do not ask")
    check = verb("check", "check whether a module is done; without NN, list the modules that are")
    check.add_argument("module", nargs="?", default="", metavar="NN")
    solve = verb("solve", "do a module with the commands of its text")
    solve.add_argument("module", metavar="NN")
    _language(solve)
    help_ = verb("help", "ask the instructor for help; it shows on their board")
    help_.add_argument("module", nargs="?", default="", metavar="NN", help="the module that it is about")
    help_.add_argument("-m", "--message", default="", help="what it is about")
    help_.add_argument("--done", action="store_true", help="take it back")
    tour = verb("tour", "run all modules as a participant would, and print the time of each")
    tour.add_argument("modules", nargs="*", metavar="NN")
    _language(tour)
    already = tour.add_mutually_exclusive_group()
    already.add_argument("--yes", action="store_true", help="undo modules that are done")
    already.add_argument("--go-on", action="store_true", help="skip modules that are done")
    _new(verb("new", "start a model project in the clone, from a CSV file or an example"))
    update = verb("update", "bring a model project to the kit's template of today; your changes stay")
    update.add_argument("folder", nargs="?", default=".", metavar="FOLDER", help="the project (default: this folder)")
    _component(verbs)
    _pipeline(verbs)
    _cluster(verbs)
    _cohort(verbs)
    return top


def _language(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--language", default="en", metavar="TAG", help="the text to run (default: en)")


def _here(run: argparse.ArgumentParser) -> None:
    """The options of `run` that need no lab and no cluster; each of them runs the files in this process."""
    here = run.add_argument_group("in this process, without a lab and without a cluster")
    here.add_argument("--standalone", action="store_true", help="also the default if there is no lab and no cluster")
    here.add_argument("--runtime", choices=RUNTIMES, default="",
                      help="of the steps: processes of this machine, or containers of podman")  # fmt: skip
    here.add_argument("-w", "--workspace", action="append", default=[], metavar="NAME=FOLDER",
                      help="bind a workspace of the runs to a folder of this machine")  # fmt: skip
    here.add_argument("--keep", default="", metavar="FOLDER", help="keep logs, results and volumes there")
    here.add_argument("--dry-run", action="store_true", help="print the tasks, their params, what is skipped and why")
    here.add_argument("--break-on", choices=("failure",), default="", help="pause after a failed step, with a shell")
    here.add_argument("--from", dest="from_task", default="", metavar="TASK",
                      help="start the run in --keep FOLDER again at this task")  # fmt: skip


def _runs_here(words: argparse.Namespace) -> bool:
    """Whether `run` needs this process only."""
    ways = (words.standalone, words.runtime, words.dry_run, words.break_on)
    return any((*ways, words.workspace, words.keep, words.from_task))


def _new(new: argparse.ArgumentParser) -> None:
    new.add_argument("name", metavar="NAME", help="of the deployment, the registered model and the folder")
    new.add_argument("--task", choices=("classification", "regression"), default="",
                     help="without it, what the values of the target are")  # fmt: skip
    new.add_argument("--data", default="", metavar="FILE.csv", help="without it, the planes of the flights")
    new.add_argument("--target", default="", metavar="COLUMN", help="the column that is predicted")
    new.add_argument("--positive", default="", metavar="VALUE",
                     help="the value of the target to look for; all others are the other class")  # fmt: skip
    new.add_argument("--algorithm", choices=("scikit-learn", "xgboost", "onnx"), default="scikit-learn")
    new.add_argument("--delimiter", default=",", metavar="CHARACTER", help="between the values of a line (default: ,)")
    new.add_argument("--decimal", default=".", choices=[".", ","], help="before the decimals of a number (default: .)")
    new.add_argument("--missing", action="append", default=[], metavar="WORD", help="a word for a missing value")
    new.add_argument("--text", action="append", default=[], metavar="COLUMN", help="take all its values as texts")


def _pipeline(verbs: Any) -> None:
    pipeline = verbs.add_parser("pipeline", help="make a pipeline from the stages of a dvc.yaml")
    actions = pipeline.add_subparsers(dest="action", metavar="ACTION", parser_class=_Parser, required=True)
    # The tool reads its own options, --help too. No word begins with this character, so none is an option here.
    about = "a Tekton Pipeline or an Argo Workflow; --help lists the options"
    made = actions.add_parser("from-dvc", help=about, add_help=False, prefix_chars="\0")
    made.add_argument("words", nargs="*", metavar="DVC_YAML [OPTION...]")


def _component(verbs: Any) -> None:
    component = verbs.add_parser("component", help="Tasks that stand alone: start, test and document them")
    actions = component.add_subparsers(dest="action", metavar="ACTION", parser_class=_Parser, required=True)

    def action(name: str, help_: str) -> argparse.ArgumentParser:
        made: argparse.ArgumentParser = actions.add_parser(name, help=help_, description=help_)
        made.add_argument("-o", "--output", choices=(output.TEXT, output.JSON), default=output.TEXT)
        return made

    def folders(made: argparse.ArgumentParser) -> None:
        made.add_argument("folders", nargs="*", default=["."], metavar="FOLDER",
                          help="components, or folders that have some (default: this folder)")  # fmt: skip

    new = action("new", "make a folder with a Task, its README and a test that passes")
    new.add_argument("name", metavar="NAME", help="of the Task, its file and its folder")
    new.add_argument("folder", nargs="?", default=".", metavar="FOLDER", help="where (default: this folder)")
    test = action("test", "run the tests of components in this process, without a lab and without a cluster")
    folders(test)
    test.add_argument("--timeout", type=float, default=300.0, help="seconds that one component may take")
    test.add_argument("--report", default="", metavar="FILE", help="write a JUnit report: a testcase for each task")
    test.add_argument("--keep", default="", metavar="FOLDER", help="keep logs, results and volumes there")
    docs = action("docs", "write the tables of the READMEs from the Tasks, and the interfaces with their versions")
    folders(docs)
    docs.add_argument("--check", action="store_true", help="write nothing; exit with 4 if something is stale")


def _usecase(verb: argparse.ArgumentParser) -> None:
    """The options of a verb for one use case of one participant."""
    verb.add_argument("-n", "--namespace", default="", help="the namespace with mlops-endpoints: your ...-dev")
    _folder(verb)


def _folder(verb: argparse.ArgumentParser) -> None:
    """The option for the use case."""
    verb.add_argument(
        "--usecase", default="model", metavar="FOLDER", help="the folder of the use case in the clone (default: model)"
    )


def _cluster(verbs: Any) -> None:
    cluster = verbs.add_parser("cluster", help="the shared parts of a room on a cluster, for instructors")
    actions = cluster.add_subparsers(dest="action", metavar="ACTION", parser_class=_Parser, required=True)
    _action(actions, "preflight", "what is there, what install would change, how many participants fit")
    install = _action(actions, "install", "install what is missing; goes on where it was interrupted")
    install.add_argument("--force", action="store_true", help="take over fields that somebody else has changed")
    install.add_argument("--timeout", type=float, default=900.0, help="seconds to wait for each part")
    _domain(install)
    _action(actions, "status", "one line a part")
    _action(actions, "verify", "the same; exits with 3 unless every part is ready")
    _action(actions, "mirror", "what a room without a network needs in its own registry")
    uninstall = _action(actions, "uninstall", "remove what install has applied, and nothing else")
    uninstall.add_argument("--yes", action="store_true", help="do not ask")
    uninstall.add_argument("--timeout", type=float, default=600.0, help="seconds to wait until everything is gone")


def _cohort(verbs: Any) -> None:
    cohort = verbs.add_parser("cohort", help="the participants of a room on a cluster, for instructors")
    actions = cohort.add_subparsers(dest="action", metavar="ACTION", parser_class=_Parser, required=True)

    def action(name: str, help_: str) -> argparse.ArgumentParser:
        made = _action(actions, name, help_)
        made.add_argument("--cohort", default="room", help="its name, where a cluster has several")
        return made

    def git(made: argparse.ArgumentParser) -> None:
        made.add_argument("--git-server", default="", metavar="URL", help="its address here (over the API server)")

    provision = action("provision", "give each participant what they lack; goes on where it was interrupted")
    _participants(provision)
    provision.add_argument("--prune", action="store_true", help="remove participants that were not asked for")
    provision.add_argument("--yes", action="store_true", help="do not ask before --prune removes")
    provision.add_argument("--force", action="store_true", help="take over fields that somebody else has changed")
    provision.add_argument("--sheet", default="", metavar="DIR", help="where the hand-out sheet goes (handout-COHORT)")
    provision.add_argument("--timeout", type=float, default=600.0, help="seconds to wait for namespaces to go")
    provision.add_argument("--first-model", action="store_true", help="bring a first model to production for each")
    _domain(provision)
    provision.add_argument("--at-once", type=int, default=5, metavar="N", help="first models that train at a time")
    git(provision)
    export = action("export", "write the participants' objects as files, and an ApplicationSet for Argo CD")
    _participants(export)
    export.add_argument("--to", required=True, metavar="DIR", help="where the files go, in a clone of --repository")
    export.add_argument("--repository", required=True, metavar="URL", help="where Argo CD reads the files")
    export.add_argument("--revision", default="main", help="its branch or tag")
    export.add_argument("--path", default="", help="the path of DIR in the repository; without it, its root")
    action("status", "one line a participant: module, objects, Pods, quota, the last run; who asks for help")
    action("helped", "mark a request for help as done").add_argument("name", help="the participant")
    rehearse = actions.add_parser("rehearse", help="do modules as all participants of a lab at once")
    rehearse.add_argument("-o", "--output", choices=(output.TEXT, output.JSON), default=output.TEXT)
    rehearse.add_argument("--users", type=int, metavar="N", help="the first N participants; without it, all")
    rehearse.add_argument("--modules", default="", metavar="1-4,7", help="without it, all")
    # It works with the participants' own commands, so it is a verb with a target.
    rehearse.set_defaults(verb="rehearse")
    teardown = action("teardown", "remove the cohort and prove that nothing is left")
    git(teardown)
    teardown.add_argument("--yes", action="store_true", help="do not ask")
    teardown.add_argument("--timeout", type=float, default=600.0, help="seconds to wait until everything is gone")


def _domain(action: argparse.ArgumentParser) -> None:
    """The option for addresses on a cluster without OpenShift's Routes."""
    help_ = "without OpenShift's Routes: make Ingresses for hosts below this domain"
    action.add_argument("--domain", type=_dns_name, help=help_)


def _dns_name(text: str) -> str:
    if len(text) > 180 or not re.fullmatch(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)+", text):
        raise argparse.ArgumentTypeError(f"{text!r} is not a domain, allowed: apps.example.org")
    return text


def _participants(action: argparse.ArgumentParser) -> None:
    """The options that name the participants of an action."""
    who = action.add_mutually_exclusive_group()
    who.add_argument("--users", type=int, metavar="N", help="user1 to userN; without it, those who are there")
    who.add_argument("--from-file", metavar="FILE", help="one participant a line, or a CSV file with names first")
    action.add_argument("--prefix", default="user", help="what the names of --users begin with")


def _action(actions: Any, name: str, help_: str) -> argparse.ArgumentParser:
    """An action of an instructor's verb; it names its cluster with kubectl's options."""
    made: argparse.ArgumentParser = actions.add_parser(name, help=help_, description=help_)
    made.add_argument("-o", "--output", choices=(output.TEXT, output.JSON), default=output.TEXT)
    made.add_argument("--kubeconfig", default=None, help="instead of $KUBECONFIG and ~/.kube/config")
    made.add_argument("--context", default="", help="instead of the current context")
    return made


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    debug = False
    try:
        words = parser().parse_args(argv)
        debug = words.debug
        if not words.verb:
            parser().print_help()
            return UsageError.exit_code
        if words.verb in WITHOUT_TARGET:
            return _call(words.verb, words)
        if words.verb == "run" and _runs_here(words):
            return _call("standalone", words)
        # Imported here: --help and the lab's verbs do not wait for it.
        from workshop.lab.target import current_target, is_nowhere

        target = current_target()
        if words.verb == "run" and is_nowhere(target):
            output.note("there is no lab and no cluster, so the run is here: workshop run --standalone")
            return _call("standalone", words)
        return _call(words.verb, words, target)
    except KeyboardInterrupt:
        output.note("interrupted; runs in the lab continue: workshop status")
        return INTERRUPTED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except WorkshopError as e:
        return _fail(e, debug)
    except Exception as e:
        if isinstance(e, OSError) and (fault := disk_error(e)):
            return _fail(fault, debug)
        if debug:
            raise
        output.fail(f"{type(e).__name__}: {e}\n  this is a fault of the kit; --debug shows where it happened")
        return WorkshopError.exit_code


def _call(name: str, *words: object) -> int:
    """Call a verb by the name of its module."""
    return int(getattr(importlib.import_module(f"workshop.commands.{name}"), name)(*words))


def _fail(error: WorkshopError, debug: bool) -> int:
    output.fail(str(error))
    if debug:
        traceback.print_exc()
    return error.exit_code
