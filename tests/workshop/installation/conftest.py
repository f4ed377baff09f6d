"""A running API server for the installation's tests."""

from tests.workshop.lab.api.conftest import lab, namespace  # noqa: F401
