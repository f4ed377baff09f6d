"""The parts of `make bench`. A new one is a module with `measure`, and one entry here."""

from __future__ import annotations

from tests.bench import apiserver, fromdvc, gateway, lab, provisioning, standalone, tekton
from tests.bench.figures import Part
from tests.bench.serving import part as serving

PARTS: dict[str, Part] = {
    "lab": Part("The lab: start, memory, main job, push, rebuild, replay", lab.measure, 6),
    "tekton": Part("No-op Tasks", tekton.measure, 1, grows="tasks"),
    "standalone": Part("`workshop run --standalone`", standalone.measure, 0.3),
    "api": Part("The API server with 1,000 TaskRuns", apiserver.measure, 0.5),
    "provisioning": Part("`workshop cohort provision`", provisioning.measure, 4, grows="participants"),
    "fromdvc": Part("`workshop pipeline from-dvc`", fromdvc.measure, 1, grows="stages"),
    "gateway": Part("The lab's gateway", gateway.measure, 0.5),
    "serving": Part("The model server and its peers", serving.measure, 5, needs=serving.why_not),
}
"""In the order of a whole run and of the page."""
