"""What an operator asks for: health, metrics, and the description of the API."""

from typing import Any

from modelserver import __version__, docs, jsontext, openapi, seldon_protocol
from modelserver.errors import ServingError
from modelserver.http import Answer, Call
from modelserver.metrics import CONTENT_TYPE
from modelserver.serving import NOT_READY, PHASES, Serving


class Operations:
    """The handlers that are of no protocol's own."""

    def __init__(self, serving: Serving) -> None:
        self._serving = serving

    def ping(self, call: Call) -> Answer:
        """The word that Seldon's wrapper answers."""
        return Answer(b"pong", content_type="text/html; charset=utf-8")

    def live(self, call: Call) -> Answer:
        """200 while the event loop runs."""
        return Answer(b'{"live":true}')

    def ready(self, call: Call) -> Answer:
        """200 once the model is loaded and has answered; 503 while it loads and while the process drains."""
        phase = self._serving.waits_for()
        if phase is not None:
            return Answer(jsontext.dump({"ready": False, "phase": PHASES[phase]}), 503)
        return Answer(b'{"ready":true}')

    def status(self, call: Call) -> Answer:
        """The model's ``health_status()``, once it is ready. Unlike in Seldon's wrapper, no counter changes."""
        phase = self._serving.waits_for()
        if phase is not None:
            raise ServingError(503, f"the server is {PHASES[phase]}", reason=NOT_READY, headers={"retry-after": "1"})
        answer = seldon_protocol.write(self._serving.model.health(), "jsonData", None)
        path = self._serving.request_path
        answer["meta"] = {"requestPath": path} if path else {}
        return Answer(jsontext.dump(answer))

    def exposition(self, call: Call) -> Answer:
        """All metrics, for Prometheus."""
        return Answer(self._serving.metrics.exposition(), content_type=CONTENT_TYPE)

    def openapi(self, call: Call) -> Answer:
        """The OpenAPI document."""
        return Answer(jsontext.dump(self._document()))

    def docs(self, call: Call) -> Answer:
        """The OpenAPI document as one page for people, which loads nothing else."""
        text = docs.page(self._document(), self._serving.model.columns)
        return Answer(text.encode(), content_type=docs.CONTENT_TYPE, headers=docs.HEADERS)

    def _document(self) -> dict[str, Any]:
        self._serving.must_be_loaded()
        model = self._serving.model
        return openapi.document(self._serving.identity, __version__, model.columns, model.documents)
