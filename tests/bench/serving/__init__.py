"""Measures the model server against the others: `python -m tests.bench.serving` writes the table and the plot."""
