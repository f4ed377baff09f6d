"""Quantities of Kubernetes (`500m`, `2Gi`, `1e3`) and Go's durations (`1h30m`) as numbers.

https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/, https://pkg.go.dev/time#ParseDuration
"""

from __future__ import annotations

import re

_POWERS = {"n": 1e-9, "u": 1e-6, "m": 1e-3, "": 1.0, "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12, "P": 1e15, "E": 1e18}
_BINARY = {f"{letter}i": 1024.0 ** (at + 1) for at, letter in enumerate("KMGTPE")}
_QUANTITY = re.compile(r"([+-]?[0-9]*\.?[0-9]+|[+-]?[0-9]+\.)(?:([eE][+-]?[0-9]+)|([numkMGTPE]|[KMGTPE]i)?)")


def number(quantity: object) -> float:
    """The value in base units: cores, bytes, objects. Raises ValueError for what is no quantity."""
    found = _QUANTITY.fullmatch(str(quantity))
    if found is None:
        raise ValueError(f"{quantity!r} is no quantity")
    digits, exponent, suffix = found.groups()
    if exponent:
        return float(digits + exponent)
    return float(digits) * (_BINARY | _POWERS)[suffix or ""]


_FORM = r"^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$"


def problem_of(quantity: object) -> str:
    """Why a value is no quantity, in the words of ParseQuantity of apimachinery; empty for a quantity."""
    if _QUANTITY.fullmatch(str(quantity)):
        return ""
    if re.match(_FORM, str(quantity)):
        return "unable to parse quantity's suffix"
    return f"quantities must match the regular expression '{_FORM}'"


_UNITS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 1e-3}
_DURATION = re.compile(r"(?:[0-9]+(?:\.[0-9]+)?(?:h|ms|m|s))+")


def seconds(duration: str) -> float:
    """The length of a duration. Raises ValueError for what is no duration."""
    if not _DURATION.fullmatch(duration):
        raise ValueError(f"{duration!r} is no duration")
    return sum(float(n) * _UNITS[unit] for n, unit in re.findall(r"([0-9.]+)(h|ms|m|s)", duration))


def divided(quantity: object, by: int, *, of: str) -> str:
    """An equal part of a resource, rounded down: memory and storage to a whole byte, others to a thousandth.

    A binary suffix stays binary, as in apimachinery's Quantity. Raises ValueError for what is no quantity.
    """
    thousandths = 1 if of in ("memory", "ephemeral-storage") else 1000
    whole = int(number(quantity) * thousandths / by)
    if str(quantity)[-1:] == "i":
        units = [(1 << 10 * (at + 1), f"{letter}i") for at, letter in enumerate("KMGTPE")]
    else:
        units = [(1000 ** (at + 1), letter) for at, letter in enumerate("kMGTPE")]
    for unit, suffix in reversed(units):
        if whole and whole % (unit * thousandths) == 0:
            return f"{whole // (unit * thousandths)}{suffix}"
    return str(whole // thousandths) if whole % thousandths == 0 else f"{whole}m"
