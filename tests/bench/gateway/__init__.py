"""Measures the cost of the lab's gateway."""
