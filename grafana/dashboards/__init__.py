"""The dashboards, one in each module; each has a `build()`."""

from __future__ import annotations

from collections.abc import Callable

from grafana_foundation_sdk.models.dashboard import Dashboard

from grafana.dashboards import quality, regression, serving

ALL: dict[str, Callable[[], Dashboard]] = {
    "quality": quality.build,
    "regression": regression.build,
    "serving": serving.build,
}
"""The function that builds each file in `rendered/`."""
