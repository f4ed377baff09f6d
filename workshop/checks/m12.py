"""Module 12, watch: production got predictions and feedback, Prometheus counted them, and the answer matches."""

from __future__ import annotations

from workshop.checks import answers
from workshop.checks.finding import CheckContext, Editor, Finding
from workshop.cluster.jsonhttp import NoAnswer

NUMBER = "12"
FEWEST = 200
NEAR = 0.15
"""Tolerance: requests after the answer was written change the number a little."""
_ASKED, _KNOWN, _READ = (
    "production was asked, and Prometheus counted it",
    "production got the outcome of its predictions",
    "you can read how good it is",
)
_CALL = 'cd model && python -m flights.traffic --url "$PRODUCTION_URL" --rate 40 --seconds 20 --feedback'


def check(context: CheckContext) -> list[Finding]:
    """Predictions, truths, and the recall."""
    here = f'namespace="{context.namespace("production")}"'
    try:
        asked = context.prometheus.value(f"sum(max_over_time(model_predictions_total{{{here}}}[1d]))") or 0.0
        known = context.prometheus.value(_truths(here)) or 0.0
        recalls = [context.prometheus.value(f"{edge}_over_time(({_recall(here)})[1d:30s])") for edge in ("min", "max")]
    except NoAnswer as e:
        return [Finding(task, False, str(e), context.where_things_are) for task in (_ASKED, _KNOWN, _READ)]
    return [
        Finding(_ASKED, asked >= FEWEST, f"{asked:,.0f} predictions in a day", "" if asked >= FEWEST else _CALL),
        Finding(_KNOWN, known >= FEWEST, f"the truth of {known:,.0f} flights", "" if known >= FEWEST else _CALL),
        _read(answers.answers(context, NUMBER), [recall for recall in recalls if recall is not None]),
    ]


def reset(context: CheckContext, _: Editor) -> list[str]:
    """Put the answer aside; Prometheus' counts stay."""
    return answers.put_aside(context, NUMBER)


def _truths(*labels: str) -> str:
    # Over a day and by the largest value of each series, because a replaced server's counter ends with it.
    return f"sum(max_over_time(model_feedback_total{{{','.join(labels)}}}[1d]))"


def _recall(here: str) -> str:
    # Of 50 late flights at least: the first few say nothing.
    found = f'sum(model_feedback_total{{{here},predicted="late",actual="late"}})'
    return f'{found} / (sum(model_feedback_total{{{here},actual="late"}}) >= 50)'


def _read(given: dict[str, str], recalls: list[float]) -> Finding:
    """The answer against the smallest and the largest recall of a day: the flights of December change it."""
    if "recall" not in given:
        return answers.missing(NUMBER, "recall", _READ)
    if not recalls:
        return Finding(_READ, False, "production has no feedback of a late flight yet", _CALL)
    try:
        right = min(recalls) - NEAR <= float(given["recall"]) <= max(recalls) + NEAR
    except ValueError:
        right = False
    if not right:
        return Finding(_READ, False, f"you say {given['recall']}, and production has counted another number",
                       "the second query of the module asks for it")  # fmt: skip
    return Finding(_READ, True, f"it found {given['recall']} of the late flights")
