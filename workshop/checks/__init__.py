"""What proves that a module was done: one file a module, facts from objects and real requests.

A check never trusts what was typed, so it holds for whoever left and came back, or took another way.
"""

from workshop.checks import m01
from workshop.checks.finding import Check, CheckContext, Cluster, Finding

CHECKS: dict[str, Check] = {
    "01": m01.check,
}
"""The modules that have a check, by number; a module that says `checks: true` must be here."""

__all__ = ["CHECKS", "Check", "CheckContext", "Cluster", "Finding"]
