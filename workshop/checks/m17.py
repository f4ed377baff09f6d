"""Module 17, drill and trace: a drill was caught, and a prediction of production leads to its data and a statement."""

from __future__ import annotations

from delivery.errors import DeliveryError
from delivery.lineage import PUID_DIGITS, SHORTEST, Known, Way, traced

from workshop.checks import answers
from workshop.checks.finding import DRILLS, CheckContext, Editor, Finding
from workshop.checks.lineage import known
from workshop.languages.catalog import N_, Sentence
from workshop.manifests.objects import labels_of, name_of

NUMBER = "17"
RUNS = "mlops-workshop/drill"
"""The label of the runs of a drill."""
_CAUGHT, _TRACED, _DATA, _SIGNED = (
    N_("a failure was injected, and something has caught it"),
    N_("a prediction of production is traced"),
    N_("you can name the data that it came from"),
    N_("the statement of its image is verified"),
)
_NEXT = N_("the first commands of the module make a prediction and write both lines")


def check(context: CheckContext) -> list[Finding]:
    """The drill, the puid, the version of the data, and the signature of the run that built the image."""
    return [_caught(context), *_trace(context)]


def _caught(context: CheckContext) -> Finding:
    """A drill that a Task or an alert has caught, as `workshop drill` has written it down."""
    for name, evidence in _drills(context).items():
        return Finding(_CAUGHT, True, f"{name}: {evidence}")
    return Finding(_CAUGHT, False, N_("no drill was caught yet"), "workshop drill bad-data")


def _drills(context: CheckContext) -> dict[str, str]:
    """The evidence of each drill that was caught, by its name."""
    found = context.cluster.find("ConfigMap", context.namespace("dev"), DRILLS) or {}
    return {name: str(text)[:300] for name, text in (found.get("data") or {}).items() if text}


def _trace(context: CheckContext) -> list[Finding]:
    given = answers.answers(context, NUMBER)
    if "puid" not in given:
        return [answers.missing(NUMBER, "puid", _TRACED)] + [
            Finding(task, False, N_("no prediction is named yet"), _NEXT) for task in (_DATA, _SIGNED)
        ]
    puid, facts = given["puid"], known(context)
    way, problem = _way(puid, facts)
    if way is None:
        return [Finding(task, False, problem, _NEXT) for task in (_TRACED, _DATA, _SIGNED)]
    return [
        Finding(_TRACED, True, Sentence("version {version}, {digest}", version=way.version, digest=way.digest[:19])),
        _data(given.get("data", ""), way),
        _signed(way, facts),
    ]


def reset(context: CheckContext, editor: Editor) -> list[str]:
    """Forget the drills, delete their runs and put the answers aside; a trace changes nothing."""
    said, dev = [], context.namespace("dev")
    if drills := _drills(context):
        editor.delete("ConfigMap", dev, DRILLS, missing_ok=True)
        said.append(f"forgot the drills {', '.join(drills)}")
    for run in context.cluster.list("PipelineRun", dev):
        if labels_of(run).get(RUNS):
            editor.delete("PipelineRun", dev, name_of(run), missing_ok=True)
            said.append(f"deleted the run {name_of(run)}")
    return said + answers.put_aside(context, NUMBER)


def _way(puid: str, facts: Known) -> tuple[Way | None, str]:
    """The way of a puid to a release of production, or why there is none."""
    if len(puid) != PUID_DIGITS:
        return None, Sentence(
            "{puid} is no puid that the server made: it has {puid_digits} hex digits",
            puid=puid[:80],
            puid_digits=PUID_DIGITS,
        )
    try:
        found = traced(puid, facts)
    except DeliveryError as e:
        return None, e.message
    if "puid" not in found.what:
        return None, Sentence("{puid} is {what}, not a prediction", puid=puid, what=found.what)
    way = next((one for one in found.ways if any(entry.since for entry in one.releases)), None)
    return way, "" if way else Sentence("the image of {puid} was never in production", puid=puid)


def _data(answer: str, way: Way) -> Finding:
    if len(answer) < SHORTEST or not way.data_version.startswith(answer):
        said = (
            Sentence("you say {answer}", answer=answer)
            if answer
            else Sentence("answers/{number}.yaml has no line `data: ...`", number=NUMBER)
        )
        return Finding(
            _DATA,
            False,
            Sentence("{said}, and the model learned from another version", said=said),
            "workshop trace PUID says it",
        )
    return Finding(_DATA, True, Sentence("version {data_version}", data_version=way.data_version))


def _signed(way: Way, facts: Known) -> Finding:
    if facts.key is None:
        return Finding(_SIGNED, True, N_("production has no key here, so it verifies nothing: CHAINS_PUBLIC_KEY"))
    if not way.run:
        return Finding(_SIGNED, True, N_("the run was deleted; production has verified its statement before"))
    if not way.verified:
        return Finding(_SIGNED, False, way.statement, "workshop run tekton/runs/train-and-stage.yaml builds it again")
    return Finding(_SIGNED, True, way.statement)
