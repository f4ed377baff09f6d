"""The environment variables that Seldon's operator gives to a model server."""

from __future__ import annotations

import json

from workshop.manifests.seldon import PredictiveUnit, Predictor, SeldonDeployment


def operator_environment(
    sdep: SeldonDeployment, predictor: Predictor, unit: PredictiveUnit, image: str, port: int, metrics_port: int
) -> dict[str, str]:
    """The operator's variables for the container of a graph node (`createContainerService`)."""
    env = {
        "PREDICTIVE_UNIT_SERVICE_PORT": str(port),
        "PREDICTIVE_UNIT_HTTP_SERVICE_PORT": str(port),
        "PREDICTIVE_UNIT_ID": unit.name,
        "PREDICTIVE_UNIT_IMAGE": image,
        "PREDICTOR_ID": predictor.name,
        "PREDICTOR_LABELS": json.dumps({"version": predictor.name, **predictor.labels}),
        "SELDON_DEPLOYMENT_ID": sdep.name,
        # The operator has had no other orchestrator since 1.0, so it sets this for a predictor without one too.
        "SELDON_EXECUTOR_ENABLED": "true",
        "PREDICTIVE_UNIT_METRICS_SERVICE_PORT": str(metrics_port),
        "PREDICTIVE_UNIT_METRICS_ENDPOINT": "/prometheus",
        "MLSERVER_HTTP_PORT": str(port),
        "MLSERVER_METRICS_PORT": str(metrics_port),
        "MLSERVER_METRICS_ENDPOINT": "/prometheus",
        "MLSERVER_MODEL_NAME": unit.name,
        # Only in the lab: the server must not be reachable from the network.
        "MODEL_SERVER_HOST": "127.0.0.1",
        "MLSERVER_HOST": "127.0.0.1",
    }
    parameters = [{"name": p.name, "value": p.value, "type": p.type} for p in unit.parameters]
    return env | {"PREDICTIVE_UNIT_PARAMETERS": json.dumps(parameters)}
