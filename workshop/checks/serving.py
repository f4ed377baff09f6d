"""SeldonDeployments for the checks."""

from __future__ import annotations

from workshop.checks.finding import CheckContext
from workshop.manifests.objects import Object, status_of
from workshop.usecase import DEPLOYMENT


def state_of(deployment: Object) -> str:
    """`Available`, `Creating`, `Failed`, or that there is no state yet."""
    return str(status_of(deployment).get("state") or "not known yet")


def digests_of(deployment: Object) -> set[str]:
    """The digests of the images that answer; a shadow does not answer."""
    images = {
        str(container.get("image", ""))
        for predictor in deployment["spec"].get("predictors") or []
        if not predictor.get("shadow")
        for spec in predictor.get("componentSpecs") or []
        for container in (spec.get("spec") or {}).get("containers") or []
    }
    return {digest for image in images if (digest := image.partition("@")[2])}


def serving(context: CheckContext, stage: str, deployment: str = DEPLOYMENT) -> set[str]:
    """The digests that a deployment of a stage serves; none if it is not Available."""
    found = context.cluster.find("SeldonDeployment", context.namespace(stage), deployment)
    return digests_of(found) if found is not None and state_of(found) == "Available" else set()
