"""Dashboards and alerts of a served model, as code: `python -m grafana.render` writes what is imported."""
