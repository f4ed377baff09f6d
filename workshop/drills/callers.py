"""Drills of callers: real flights with something wrong about them, sent to production until an alert fires."""

from __future__ import annotations

import subprocess
import sys
import time
from dataclasses import dataclass

from workshop.cluster.jsonhttp import NoAnswer
from workshop.drills.drill import Note, Place
from workshop.errors import RunFailed, SetupError, TimedOut
from workshop.usecase import FOLDER, USE_CASE

_LOOK_SECONDS = 1.0


@dataclass(frozen=True)
class Callers:
    """Requests of `python -m <use case>.traffic` with certain options, which fire an alert of production.

    `labels` are PromQL matchers of the alert.
    """

    title: str
    look: str
    options: tuple[str, ...]
    alert: str
    labels: str = ""

    @property
    def catcher(self) -> str:
        """The alert."""
        return f"alert {self.alert}"

    def run(self, place: Place, note: Note, seconds: float) -> str:
        """Send until the alert fires. It must not fire before, because then this drill would prove nothing."""
        if self.firing(place) is not None:
            raise SetupError(f"{self.alert} fires already", hint="wait until it has ended; the console shows it")
        if "--feedback" in self.options and not place.env.get("FEEDBACK_TOKEN") and self._closed(place):
            raise SetupError(
                "production takes feedback only with its token: this failure cannot reach it",
                hint="FEEDBACK_TOKEN of the Secret mlops-credentials in production; s2i/README.md explains it",
            )
        words = ["--url", place.values["PRODUCTION_URL"], "--seconds", str(seconds), *self.options]
        argv = [sys.executable, "-m", f"{USE_CASE.package}.traffic", *words]
        note(f"$ python -m {' '.join(argv[2:])}")
        began = time.monotonic()
        sending = subprocess.Popen(
            argv,
            cwd=place.target.clone() / FOLDER,
            env=dict(place.env),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        with sending:
            try:
                while time.monotonic() < began + seconds:
                    if sending.poll() not in (None, 0):
                        said = sending.communicate()[0].decode(errors="replace").strip()[-500:]
                        raise RunFailed(f"the requests failed: {said}", hint="workshop status")
                    value = self.firing(place)
                    if value is not None:
                        return f"{self.alert} fires after {time.monotonic() - began:.0f} s"
                    time.sleep(_LOOK_SECONDS)
            finally:
                sending.terminate()
        raise TimedOut(
            f"{self.alert} did not fire within {seconds:.0f} s", hint="promtool and the runbook explain its rule"
        )

    def firing(self, place: Place) -> float | None:
        """Whether the alert fires for production: 1, else None. Raises SetupError without Prometheus."""
        matchers = (f'alertname="{self.alert}"', 'alertstate="firing"', _namespace(place), self.labels)
        return _value(place, f"count(ALERTS{{{','.join(word for word in matchers if word)}}})")

    def _closed(self, place: Place) -> bool:
        """Whether each model server of production asks for the token. Raises SetupError without Prometheus."""
        return _value(place, f"max(model_server_feedback_open{{{_namespace(place)}}})") == 0

    def stop(self, place: Place, note: Note) -> list[str]:
        """Nothing is left: the requests end with the command."""
        return [f"the requests have ended; {self.alert} ends by itself when its window has passed"]


def _namespace(place: Place) -> str:
    return f'namespace="{place.values["PRODUCTION_NAMESPACE"]}"'


def _value(place: Place, query: str) -> float | None:
    try:
        return place.prometheus.value(query)
    except NoAnswer as e:
        raise SetupError(str(e), hint="workshop status shows the components") from e
