"""The flights model without its description of the training data, so that the server counts no features."""

from __future__ import annotations

from FlightDelay import FlightDelay


class Unwatched(FlightDelay):
    training_reference = None  # type: ignore[assignment]
