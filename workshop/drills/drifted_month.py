"""The callers are those of December, of whom more are late than the model expects."""

from __future__ import annotations

from workshop.drills.callers import Callers

DRILL = Callers(
    title="the flights are those of December, which are late for other reasons than those of training",
    look="Model quality: Expected and actual share",
    options=("--month", "12", "--rate", "40", "--rows", "20", "--feedback"),
    alert="ModelMisses",
)
