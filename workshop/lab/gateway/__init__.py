"""The gateway: the URLs under which deployments answer, as Istio's, Seldon's executor's and a Route's on a cluster.

`POST /seldon/<namespace>/<deployment>/api/v1.0/predictions` goes to a ready replica, chosen by the predictors'
traffic; a request whose Host is a Route's goes by the weights of the Route. A shadow gets a copy. A predictor without
`seldon.io/no-engine` is answered by an orchestrator that walks its graph.
"""

from workshop.lab.gateway.app import Gateway, build
from workshop.lab.gateway.serving import serve

__all__ = ["Gateway", "build", "serve"]
