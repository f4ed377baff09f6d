"""Why MLflow could not do something, and what comes next: the same words for its own client and for its REST API."""

from __future__ import annotations

import os
import re

from delivery.errors import DeliveryError


def failure(error: BaseException | None, text: str) -> DeliveryError:
    """The failure of a request as one line.

    `error` is its first cause, or None when MLflow answered; `text` is what it answered.
    Nothing of a run that failed is registered, so it can be repeated.
    """
    what, after = _reason(error, text[:200])
    return DeliveryError(f"MLflow at {os.environ.get('MLFLOW_TRACKING_URI')} {what}", next=after)


def _reason(error: BaseException | None, text: str) -> tuple[str, str]:
    if isinstance(error, TimeoutError) or (isinstance(error, OSError) and error.errno is not None):
        return f"does not answer: {error}", f"start it, then {_REPEAT}; {_WITHOUT}"
    if repeated := re.search(r"too many (\d+) error responses", str(error)):
        return f"answers {repeated[1]} each time; its log has the reason", f"mend it, then {_REPEAT}"
    if _FULL.search(text):
        return f"cannot store anything: {text}", f"free space on its disk, then {_REPEAT}"
    if _REFUSED.search(text):
        return f"refuses the token: {text}", f"renew {_TOKEN}, then {_REPEAT}"
    return f"failed: {text}", f"look at its log, then {_REPEAT}; {_WITHOUT}"


_TOKEN = "MLFLOW_TRACKING_TOKEN of the Secret mlops-credentials"  # noqa: S105 a name
_REPEAT = "start the run again"
_WITHOUT = "without MLFLOW_TRACKING_URI, nothing is logged"
_REFUSED = re.compile(r"\b40[13]\b|UNAUTHENTICATED|PERMISSION_DENIED|\btoken\b")
"""An answer without an error code of MLflow shows its text alone, and not its status."""
_FULL = re.compile(r"disk is full|disk I/O error|No space left on device|File too large|\b507\b")
"""What SQLite, the operating system and the lab's MLflow say."""
