"""The model as the handlers use it: loaded, checked, counted. What all protocols share."""

from collections.abc import Callable, Sequence
from typing import Any

from modelserver.errors import ServingError, StartError
from modelserver.families import MetricError
from modelserver.metrics import Metrics
from modelserver.model import Model, Prediction
from modelserver.settings import Settings
from modelserver.shared import ABSENT, DRAINING, LOADING, READY, Block
from modelserver.validation import RowValidator

NOT_READY = "MICROSERVICE_NOT_READY"
PHASES = {ABSENT: "starting", LOADING: "loading", READY: "ready", DRAINING: "draining"}
Entries = Sequence[object]


class Serving:
    """One model with its settings and metrics. Made before the model is loaded; it serves after ``load``."""

    def __init__(self, model: Model, settings: Settings, metrics: Metrics, block: Block) -> None:
        self.model = model
        self.settings = settings
        self.metrics = metrics
        self.block = block
        self.validator: RowValidator | None = None
        self.identity = identity(model.name, settings)
        self.version = settings.model_version if settings.unit_image else ""
        self.request_path = {settings.unit_id: settings.unit_image} if settings.unit_id else {}
        model.failed = metrics.model_error
        self._count_rows: Callable[[Any], None] = lambda rows: None

    def load(self) -> None:
        """Load the model and make its validator. Raises ``StartError``."""
        self.model.load()
        if self.model.columns:
            self.validator = RowValidator(self.model.columns, self.settings.max_rows)
            self.model.mark_rows_validated()
        if self.model.reference is not None and self.validator is not None:
            try:
                features = self.metrics.watch_features(self.model.reference)
            except MetricError as error:
                raise StartError(f"{self.model.name}: training_reference(): {error}") from error
            self._count_rows, self.validator.refused = features.count, features.refused

    def waits_for(self) -> int | None:
        """The phase that keeps this process or its group from being ready, if any.

        At the first start, the group is ready when all workers are; a worker that is restarted later delays nothing.
        """
        phases = [self.block.phase, *(other.phase for other in self.metrics.shared.blocks if other.phase == LOADING)]
        return next((phase for phase in phases if phase != READY), None)

    def must_be_loaded(self) -> None:
        """Raise ``ServingError`` 503 while the model is being loaded."""
        if self.block.phase == LOADING:
            text = "the model is not loaded yet; try again"
            raise ServingError(503, text, reason=NOT_READY, headers={"retry-after": "1"})

    def count(self, prediction: Prediction, method: str) -> Entries:
        """Count the model's metrics; the entries for the answer, when the settings want them there."""
        if not prediction.metrics:
            return ()
        try:
            entries = self.metrics.model.count(prediction.metrics, method)
        except MetricError as error:
            # A metric that cannot be counted must not cost the caller the prediction.
            self._complain(error)
            return ()
        return entries if self.settings.metrics_in_response else ()

    def count_rows(self, rows: Any) -> None:
        """Count the values of served rows for the comparison with training. A dict is no row."""
        if not isinstance(rows, dict):
            self._count_rows(rows)

    def show_at_zero(self, prediction: Prediction) -> None:
        """Show the counters of the warm-up as 0: a series that begins with 1 hides its first event.

        A gauge of the warm-up is shown with its value, because it counts nothing.
        """
        try:
            for method in ("predict", "feedback"):
                self.metrics.model.name(prediction.metrics, method)
        except MetricError as error:
            self._complain(error)

    def _complain(self, error: MetricError) -> None:
        self.metrics.model_error("metrics")
        self.model.complain(str(error))


def identity(model: str, settings: Settings) -> str:
    """The model's name in paths and labels: the graph node's, else that of its class."""
    return settings.unit_id or model.rpartition(".")[2]
