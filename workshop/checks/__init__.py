"""The check and the reset of each module, one file for each: they read objects and send real requests.

A check does not depend on the commands that were typed, so a participant can leave, come back or do it in another way.
A reset keeps the participant's work under another name if it removes it.
"""

from workshop.checks import m01, m02, m03, m04, m05, m06, m07, m08, m09, m10, m11, m12, m13, m14, m15, m16, m17, m18
from workshop.checks.finding import Check, CheckContext, Cluster, Editor, Finding, Reset

_MODULES = {
    "01": m01,
    "02": m02,
    "03": m03,
    "04": m04,
    "05": m05,
    "06": m06,
    "07": m07,
    "08": m08,
    "09": m09,
    "10": m10,
    "11": m11,
    "12": m12,
    "13": m13,
    "14": m14,
    "15": m15,
    "16": m16,
    "17": m17,
    "18": m18,
}
CHECKS: dict[str, Check] = {number: module.check for number, module in _MODULES.items()}
"""The modules that have a check, by number. A module with `checks: true` must be here."""
RESETS: dict[str, Reset] = {number: module.reset for number, module in _MODULES.items()}
"""The function that goes back to the start of a module."""

__all__ = ["CHECKS", "RESETS", "Check", "CheckContext", "Cluster", "Editor", "Finding", "Reset"]
