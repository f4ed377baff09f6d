"""The feature flags in the status of a run."""

from __future__ import annotations

from workshop.lab.controllers.conditions import Status
from workshop.manifests.tekton.config import FeatureFlags


def note_flags(status: Status, flags: FeatureFlags) -> None:
    """Record the flags with which a run started, unless `enable-provenance-in-status` is off."""
    if flags.provenance_in_status and "provenance" not in status:
        status["provenance"] = {"featureFlags": flags.shown()}
