"""The gateway: the URLs of deployments, which on a cluster belong to Istio, Seldon's executor and Routes.

`POST /seldon/<namespace>/<deployment>/api/v1.0/predictions` goes to a ready replica, chosen by the predictors' traffic.
A request whose Host belongs to a Route is distributed by the weights of the Route. A shadow gets a copy. For a
predictor without `seldon.io/no-engine`, an orchestrator runs its graph.
"""

from workshop.lab.gateway.app import Gateway, build
from workshop.lab.gateway.serving import serve

__all__ = ["Gateway", "build", "serve"]
