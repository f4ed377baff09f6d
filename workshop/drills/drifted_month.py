"""The callers are those of December; the model misses more late flights than in its test month."""

from __future__ import annotations

from workshop.drills.callers import Callers

DRILL = Callers(
    title="the flights are those of December, which are late for other reasons than those of training",
    look="Model quality: Late and not predicted",
    options=("--month", "12", "--rate", "40", "--rows", "20", "--feedback"),
    alert="ModelMisses",
)
