"""Clients of the services that commands and checks use: the API server, MLflow, Prometheus."""
