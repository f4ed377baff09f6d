"""The lab's feature flags: Tekton's defaults, which OpenShift Pipelines keeps."""

from __future__ import annotations

from typing import Any

PROVENANCE: dict[str, Any] = {
    "featureFlags": {
        "awaitSidecarReadiness": True,
        "coschedule": "workspaces",
        "enableAPIFields": "beta",
        "enableProvenanceInStatus": True,
        "enforceNonfalsifiability": "none",
        "maxResultSize": 4096,
        "resultExtractionMethod": "termination-message",
        "runningInEnvWithInjectedSidecars": True,
        "sendCloudEventsForRuns": True,
        "verificationNoMatchPolicy": "ignore",
    }
}
"""The lab's feature flags: Tekton's defaults, which OpenShift Pipelines keeps."""
