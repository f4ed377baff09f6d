"""Callers send an airport that the schema does not have; the server refuses the requests and names the column."""

from __future__ import annotations

from workshop.drills.callers import Callers

DRILL = Callers(
    title="callers send an airport that the schema does not have, after a change on their side",
    look="Model serving: requests by code are 400; the answer names row, column and what is allowed",
    options=("--to", "BER", "--rate", "40"),
    alert="FeatureRefused",
    labels='feature="dest"',
)
