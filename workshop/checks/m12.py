"""Module 12, watch: production got predictions and feedback, Prometheus counted them, and the answer matches.

A panel of the participant's own draws a series of the model that no dashboard of the kit draws in this way.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from workshop.checks import answers
from workshop.checks.finding import CheckContext, Editor, Finding
from workshop.cluster.jsonhttp import NoAnswer
from workshop.languages.catalog import N_, Sentence

NUMBER = "12"
FEWEST = 200
NEAR = 0.15
"""Tolerance: requests after the answer was written change the number a little."""
SERIES = re.compile(r"\b(?:model|flight)_\w+")
"""The names of the model's own series."""
_ASKED, _KNOWN, _READ, _DRAWN = (
    N_("production was asked, and Prometheus counted it"),
    N_("production got the outcome of its predictions"),
    N_("you can read how good it is"),
    N_("a panel of yours draws a series of the model"),
)
_CALL = 'cd model && python -m flights.traffic --url "$PRODUCTION_URL" --rate 40 --seconds 20 --feedback'


def check(context: CheckContext) -> list[Finding]:
    """Predictions, truths, the recall, and the panel."""
    here = f'namespace="{context.namespace("production")}"'
    try:
        asked = context.prometheus.value(f"sum(max_over_time(model_predictions_total{{{here}}}[1d]))") or 0.0
        known = context.prometheus.value(_truths(here)) or 0.0
        recalls = [context.prometheus.value(f"{edge}_over_time(({_recall(here)})[1d:30s])") for edge in ("min", "max")]
    except NoAnswer as e:
        return [Finding(task, False, str(e), context.where_things_are) for task in (_ASKED, _KNOWN, _READ, _DRAWN)]
    return [
        Finding(
            _ASKED,
            asked >= FEWEST,
            Sentence("{asked:,.0f} predictions in a day", asked=asked),
            "" if asked >= FEWEST else _CALL,
        ),
        Finding(
            _KNOWN,
            known >= FEWEST,
            Sentence("the truth of {known:,.0f} flights", known=known),
            "" if known >= FEWEST else _CALL,
        ),
        _read(answers.answers(context, NUMBER), [recall for recall in recalls if recall is not None]),
        _drawn(context),
    ]


def reset(context: CheckContext, _: Editor) -> list[str]:
    """Put the answer and the dashboards aside; Prometheus' counts stay."""
    boards = [file for file, content in answers.documents(context.clone) if isinstance(content.get("panels"), list)]
    return answers.put_aside(context, NUMBER) + answers.put_documents_aside(context, boards)


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
        return Finding(_READ, False, N_("production has no feedback of a late flight yet"), _CALL)
    try:
        right = min(recalls) - NEAR <= float(given["recall"]) <= max(recalls) + NEAR
    except ValueError:
        right = False
    if not right:
        return Finding(
            _READ,
            False,
            Sentence("you say {recall}, and production has counted another number", recall=given["recall"]),
            N_("the second query of the module asks for it"),
        )
    return Finding(_READ, True, Sentence("it found {recall} of the late flights", recall=given["recall"]))


def _drawn(context: CheckContext) -> Finding:
    """The first panel of a dashboard in the answers whose query is new and has data."""
    known = {
        query for file in (context.clone / "grafana" / "rendered").glob("*.json") for query in _queries(_json(file))
    }
    why = N_("no JSON file in answers/ has panels")
    for file, content in answers.documents(context.clone):
        if not isinstance(content.get("panels"), list):
            continue
        why = Sentence("no panel of {name} has a query", name=file.name)
        for query in _queries(content):
            if not SERIES.search(query):
                why = Sentence("{query} reads no series of the model", query=query[:80])
            elif query in known:
                why = Sentence("a dashboard of the kit has the query {query}", query=query[:80])
            else:
                try:
                    value = context.prometheus.value(f"last_over_time(({_filled(context, query)})[1d:1m])")
                except NoAnswer as error:
                    why = str(error)
                    continue
                if value is not None:
                    return Finding(_DRAWN, True, f"{file.name}: {query[:80]}")
                why = Sentence("{query} gives no data", query=query[:80])
    return Finding(_DRAWN, False, why, N_("the section On your own of the module has an example"))


def _queries(board: Any) -> Iterator[str]:
    """The queries of a dashboard's panels, also of those inside rows."""
    panels = board.get("panels") if isinstance(board, dict) else None
    for panel in panels if isinstance(panels, list) else ():
        if isinstance(panel, dict):
            for target in panel.get("targets") or ():
                if isinstance(target, dict) and isinstance(target.get("expr"), str):
                    yield " ".join(target["expr"].split())
            yield from _queries(panel)


def _json(file: Path) -> Any:
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None


def _filled(context: CheckContext, query: str) -> str:
    """The query with values for a dashboard's variables: this production, five minutes, and any value."""
    query = re.sub(r"\[\$\{?\w+\}?\]", "[5m]", query)
    query = re.sub(r'(=~?)"\$\{?namespace\}?"', rf'\1"{context.namespace("production")}"', query)
    return re.sub(r'=~?"\$\{?\w+\}?"', '=~".*"', query)
