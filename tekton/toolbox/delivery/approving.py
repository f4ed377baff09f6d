"""Who decides on a promotion: a person, or the policy of production.

The policy is the key PROMOTE_ABOVE_MARGIN of the ConfigMap `mlops-endpoints` of production, which only a facilitator
can change. It is a number: no person has to approve when the gate has measured that the model is better than the
champion by at least so much, in the unit of the use case's `measure`. Without the key, a person approves.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from delivery.errors import DeliveryError
from delivery.provenance import GATE_MARGIN, KEY, Statement

POLICY = "PROMOTE_ABOVE_MARGIN"
PERSON, BY_POLICY = "person", "policy"


def approver(statement: Statement | None, previous: bool, environment: Mapping[str, str]) -> tuple[str, str]:
    """PERSON or BY_POLICY, and why.

    The margin is that of the signed statement, so it is the one that the gate has measured. `statement` is None when
    none was verified now, `previous` says that production has a champion: without one no canary compares. DeliveryError
    for a policy that is no number from 0 on.
    """
    text = environment.get(POLICY, "").strip()
    if not text:
        return PERSON, ""
    needed = _number(text)
    if needed is None or needed < 0:
        raise DeliveryError(
            f"{POLICY} is {text!r}, allowed: a number from 0 on, or nothing", next="the ConfigMap mlops-endpoints"
        )
    if statement is None:
        return PERSON, f"no statement was verified now: {POLICY} needs {KEY}, and a model that was not here before"
    if not previous or not environment.get("PROMETHEUS_URL"):
        return PERSON, "no canary can compare it with a champion"
    margin = _number(str(statement.results.get(GATE_MARGIN) or ""))
    if margin is None or margin < needed:
        measured = "measured none" if margin is None else f"measured a margin of {margin:g}"
        return PERSON, f"the gate of {statement.run} has {measured}, and {POLICY} is {needed:g}"
    return BY_POLICY, f"the gate of {statement.run} measured a margin of {margin:g}, and {POLICY} is {needed:g}"


def _number(text: str) -> float | None:
    try:
        found = float(text)
    except ValueError:
        return None
    return found if math.isfinite(found) else None
