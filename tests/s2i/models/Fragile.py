"""A model that can be made to die, to hang and to fail: for tests of the parent of several workers."""

from __future__ import annotations

import os
import time
from typing import Any


class Fragile:
    def predict(self, X: Any, names: list[str] | None = None) -> Any:
        if X == "die":
            os._exit(9)
        if X == "hang":
            time.sleep(60)
        if X == "fail":
            raise RuntimeError("broken")
        return str(os.getpid())

    def metrics(self) -> list[dict[str, object]]:
        return [{"type": "COUNTER", "key": "asked", "value": 1}]
