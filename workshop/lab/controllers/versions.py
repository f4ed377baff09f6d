"""What is computed from an object, once for each of its versions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

from workshop.manifests.objects import Object

T = TypeVar("T")


class PerVersion(Generic[T]):
    """Calls `compute` with an object when its resourceVersion is new; else returns or raises what it did before.

    `compute` may raise ValueError. The last version of each object is kept until `keep` is called without it.
    """

    def __init__(self, compute: Callable[[Object], T]) -> None:
        self._compute = compute
        self._known: dict[str, tuple[str, T | ValueError]] = {}

    def __call__(self, obj: Object) -> T:
        """The result for this version of the object. Raises ValueError as `compute` did."""
        uid, version = obj["metadata"]["uid"], obj["metadata"]["resourceVersion"]
        known = self._known.get(uid)
        if known is None or known[0] != version:
            known = self._known[uid] = (version, self._result(obj))
        result = known[1]
        if isinstance(result, ValueError):
            raise ValueError(str(result))
        return result

    def keep(self, uids: set[str]) -> None:
        """Forget all other objects."""
        self._known = {uid: known for uid, known in self._known.items() if uid in uids}

    def _result(self, obj: Object) -> T | ValueError:
        try:
            return self._compute(obj)
        except ValueError as e:
            return e
