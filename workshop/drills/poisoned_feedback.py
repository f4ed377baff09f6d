"""A caller reports the opposite of each outcome; the truths contradict the predictions, and drift is quiet."""

from __future__ import annotations

from workshop.drills.callers import Callers

DRILL = Callers(
    title="a caller reports late flights as on time, and the others as late",
    look="Model quality: Balanced accuracy is below 50 %, and Has it moved from training is quiet. FeedbackContradicts "
    "in the runbook says how a poisoned label differs from a bad model",
    options=("--rate", "40", "--rows", "20", "--feedback", "--swap-outcomes"),
    alert="FeedbackContradicts",
)
