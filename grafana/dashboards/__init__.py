"""The dashboards, a module each; every one has a `build()`."""

from __future__ import annotations

from collections.abc import Callable

from grafana_foundation_sdk.models.dashboard import Dashboard

from grafana.dashboards import quality, serving

ALL: dict[str, Callable[[], Dashboard]] = {
    "quality": quality.build,
    "serving": serving.build,
}
"""File name in `rendered/` to what builds it."""
