"""SeldonDeployments at admission: first the webhook's rules, then refusals of what the lab does not support."""

from __future__ import annotations

from workshop.lab.admission.seldon.graphs import graph_refusal, spec_refusal
from workshop.lab.admission.seldon.pods import pod_refusal
from workshop.lab.admission.seldon.webhook import denied, invalid, parse, violations
from workshop.manifests.objects import Object

__all__ = ["admit_seldon", "parse"]


def admit_seldon(new: Object, old: Object | None) -> Object:
    """Check a SeldonDeployment. Raises BadRequest (unknown field, wrong type) and Invalid (the webhook's rules)."""
    sdep = parse(new)
    broken = violations(sdep)
    if broken:
        raise denied(broken)
    unfit = spec_refusal(sdep.spec)
    if unfit:
        path, why = unfit
        raise denied([invalid(path, new["metadata"].get("name", ""), why)])
    for index, predictor in enumerate(sdep.spec.predictors):
        refusal = graph_refusal(predictor) or pod_refusal(predictor)
        if refusal:
            path, why = refusal
            raise denied([invalid(f"spec.predictors[{index}].{path}", predictor.name, why)])
    return new
