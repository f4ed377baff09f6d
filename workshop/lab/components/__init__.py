"""The components of the lab: the programs that it runs, and the images that it makes first.

A new component is one entry. The ports, the endpoints of `workshop status`, the variables of the guide and of Tasks,
the lines of `workshop doctor`, and the navigation and the table of the console follow from it.
"""

from __future__ import annotations

from workshop.lab.components import alertmanager, builder, grafana, jupyterhub, mlflow, prometheus
from workshop.lab.parts import ComponentSpec

COMPONENTS: dict[str, ComponentSpec] = {
    "alertmanager": alertmanager.SPEC,
    "builder": builder.SPEC,
    "grafana": grafana.SPEC,
    "jupyterhub": jupyterhub.SPEC,
    "mlflow": mlflow.SPEC,
    "prometheus": prometheus.SPEC,
}
