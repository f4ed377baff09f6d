"""Measures the speed of the API server."""
