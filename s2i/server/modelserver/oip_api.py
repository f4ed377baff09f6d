"""The Open Inference Protocol: ``/v2``, one model, JSON tensors."""

from modelserver import __version__, jsontext, oip_protocol
from modelserver.errors import ServingError
from modelserver.http import Answer, Call
from modelserver.serving import Serving


class OipApi:
    """The handlers of the Open Inference Protocol for one model."""

    def __init__(self, serving: Serving) -> None:
        self._serving = serving
        self._model = serving.model

    def infer(self, call: Call) -> Answer:
        """POST /v2/models/{model}/infer."""
        self._serving.must_be_loaded()
        if call.binary_from:
            raise ServingError(400, oip_protocol.NO_BINARY)
        body = jsontext.load(call.body)
        message = oip_protocol.read(body, self._serving.validator)
        call.rows = message.rows
        prediction = self._model.predict(message.features, message.names, message.meta)
        answer = oip_protocol.write(prediction.data, self._serving.identity, self._serving.version, body.get("id"))
        self._serving.count(prediction, "predict")
        self._serving.count_rows(message.features)
        return Answer(jsontext.dump(answer))

    def server(self, call: Call) -> Answer:
        """GET /v2."""
        return Answer(jsontext.dump({"name": "modelserver", "version": __version__, "extensions": []}))

    def model(self, call: Call) -> Answer:
        """GET /v2/models/{model}."""
        self._serving.must_be_loaded()
        answer = {
            "name": self._serving.identity,
            "versions": [self._serving.version],
            "platform": str(self._model.metadata().get("platform", "")),
            "inputs": oip_protocol.inputs_of(self._model.columns),
            "outputs": [],
        }
        return Answer(jsontext.dump(answer))
