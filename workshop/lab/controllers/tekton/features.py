"""The feature flags in the status of a run."""

from __future__ import annotations

from typing import Any

from workshop.lab.controllers.conditions import Status
from workshop.manifests.tekton.config import FeatureFlags


def note_flags(status: Status, flags: FeatureFlags, source: dict[str, Any] | None = None) -> None:
    """Record the flags with which a run started, unless `enable-provenance-in-status` is off.

    `source` is where a resolver got the run's Task or Pipeline from.
    """
    if flags.provenance_in_status:
        provenance = status.setdefault("provenance", {"featureFlags": flags.shown()})
        if source:
            provenance["refSource"] = source
