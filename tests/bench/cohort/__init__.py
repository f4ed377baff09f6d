"""Measures how long a room takes on a real API server."""
