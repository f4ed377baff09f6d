"""The rules of a canary: the defaults, what usecase.yaml changes, what the room changes, and what one run changes.

A rule is a name and a value: in usecase.yaml under `canary:`; as YAML like `{window: 60, steps: [10, 100]}` in
CANARY_RULES, which production's ConfigMap mlops-endpoints sets, and on the command line. A name that is not a rule is
an error.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

import yaml

from delivery.errors import DeliveryError
from delivery.rules import Limits
from delivery.steps import CanaryPlan

_LIMITS = Limits()


@dataclass(frozen=True, slots=True)
class CanaryRules:
    """All rules. Times in seconds but where the name says milliseconds; shares from 0 to 1, steps in percent."""

    steps: tuple[int, ...] = (10, 50, 100)
    """Shares of the requests that the canary gets one after the other, growing."""
    window: float = 300.0
    """How long each share is watched. 300 s is long enough to detect a one-minute fault at any scrape interval up to
    30 s."""
    patience: float = 600.0
    """How much longer a step waits when there is too little traffic."""
    too_little: str = "back"
    """What too little traffic means after that: `back` rolls back, `on` continues."""
    probe_rate: float = 0.0
    """Requests a second that the canary's Task sends itself, with their truth; 0 where callers exist."""
    probe_rows: int = 10
    feedback: str = "optional"
    """`required` makes a step wait for known truth of both models."""
    min_requests: int = _LIMITS.min_requests
    min_rows: int = _LIMITS.min_rows
    min_known: int = _LIMITS.min_known
    max_error_share: float = _LIMITS.max_error_share
    p95_ms: float = _LIMITS.p95_seconds * 1000
    p99_ms: float = _LIMITS.p99_seconds * 1000
    max_psi: float = _LIMITS.max_psi
    quality_margin: float = _LIMITS.quality_margin
    alpha: float = _LIMITS.alpha

    @property
    def plan(self) -> CanaryPlan:
        """The steps."""
        return CanaryPlan(self.steps, self.window, self.patience, self.too_little)

    @property
    def limits(self) -> Limits:
        """The bounds."""
        return Limits(
            min_requests=self.min_requests, min_rows=self.min_rows, min_known=self.min_known,
            max_error_share=self.max_error_share, p95_seconds=self.p95_ms / 1000, p99_seconds=self.p99_ms / 1000,
            max_psi=self.max_psi, quality_margin=self.quality_margin, alpha=self.alpha,
            feedback_required=self.feedback == "required",
        )  # fmt: skip


def rules(of_usecase: Mapping[str, Any], of_run: str = "", of_room: str = "") -> CanaryRules:
    """The defaults, then those of usecase.yaml, of the room and of a run, both as YAML.

    DeliveryError names what is wrong.
    """
    given = {"CANARY_RULES": _parsed("CANARY_RULES", of_room), "--rules": _parsed("--rules", of_run)}
    values: dict[str, Any] = {}
    for where, rules in (("usecase.yaml: canary", of_usecase), *given.items()):
        for name, value in rules.items():
            values[str(name).replace("-", "_")] = _read(where, str(name), value)
    return CanaryRules(**values)


def _parsed(where: str, text: str) -> dict[str, Any]:
    """Rules as YAML; none for an empty text."""
    allowed = "allowed: YAML like {window: 60, min-requests: 40}"
    try:
        found = yaml.safe_load(text or "{}")
    except yaml.YAMLError as error:
        raise DeliveryError(f"{where}: got {text!r}: {error}, {allowed}") from error
    if not isinstance(found, dict):
        raise DeliveryError(f"{where}: got {text!r}, {allowed}")
    return found


def names() -> list[str]:
    """The names of all rules."""
    return [one.name.replace("_", "-") for one in fields(CanaryRules)]


def _read(where: str, name: str, value: Any) -> Any:
    """A value of the type that the rule has."""
    if name not in names():
        raise DeliveryError(f"{where}: got {name!r}, allowed: {', '.join(names())}")
    default = getattr(CanaryRules(), name.replace("-", "_"))
    if name == "steps":
        return _steps(where, value)
    if isinstance(default, str):
        allowed = {"too-little": ("back", "on"), "feedback": ("optional", "required")}[name]
        # YAML reads a bare `on` as true.
        value = "on" if value is True else value
        if value not in allowed:
            raise DeliveryError(f"{where}: {name}: got {value!r}, allowed: {' or '.join(allowed)}")
        return value
    try:
        number = type(default)(value)
    except (TypeError, ValueError):
        number = -1
    if isinstance(value, bool) or not number >= 0:
        raise DeliveryError(f"{where}: {name}: got {value!r}, allowed: a number from 0 on")
    return number


def _steps(where: str, value: Any) -> tuple[int, ...]:
    """Percentages that grow, from 1 to 100: a list, or text like 10,50,100."""
    try:
        found = tuple(int(one) for one in (str(value).split(",") if not isinstance(value, list) else value))
    except (TypeError, ValueError):
        found = ()
    if not found or list(found) != sorted(set(found)) or not 1 <= found[0] <= found[-1] <= 100:
        raise DeliveryError(f"{where}: steps: got {value!r}, allowed: percentages that grow, like [10, 50, 100]")
    return found
