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
        late = context.prometheus.value(_truths(here, 'actual="late"')) or 0.0
        known = context.prometheus.value(_truths(here)) or 0.0
        found = context.prometheus.value(_truths(here, 'predicted="late",actual="late"')) or 0.0
    except NoAnswer as e:
        return [Finding(task, False, str(e), context.where_things_are) for task in (_ASKED, _KNOWN, _READ)]
    return [
        Finding(_ASKED, asked >= FEWEST, f"{asked:,.0f} predictions in a day", "" if asked >= FEWEST else _CALL),
        Finding(_KNOWN, known >= FEWEST, f"the truth of {known:,.0f} flights", "" if known >= FEWEST else _CALL),
        _read(answers.answers(context, NUMBER), found / late if late else None),
    ]


def reset(context: CheckContext, _: Editor) -> list[str]:
    """Put the answer aside; Prometheus' counts stay."""
    return answers.put_aside(context, NUMBER)


def _truths(*labels: str) -> str:
    # Over a day and by the largest value of each series, because a replaced server's counter ends with it.
    return f"sum(max_over_time(model_feedback_total{{{','.join(labels)}}}[1d]))"


def _read(given: dict[str, str], recall: float | None) -> Finding:
    if "recall" not in given:
        return answers.missing(NUMBER, "recall", _READ)
    if recall is None:
        return Finding(_READ, False, "production has no feedback of a late flight yet", _CALL)
    try:
        right = abs(float(given["recall"]) - recall) <= NEAR
    except ValueError:
        right = False
    if not right:
        return Finding(_READ, False, f"you say {given['recall']}, and production has counted another number",
                       "the second query of the module asks for it")  # fmt: skip
    return Finding(_READ, True, f"it finds {recall:.0%} of the late flights")
