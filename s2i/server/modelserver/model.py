"""The model as the server sees it: its class, its methods, and its errors.

Optional methods are found by name and by signature when the model is made, so a ``TypeError`` inside ``predict``
is the model's error and never leads to a second call. Whatever the model's code raises, ``SystemExit`` included,
is a 500 and the server goes on. An exception with a ``status_code`` from 400 to 499 is how a model refuses an
input.

Methods that Seldon's wrapper calls and this server does not are refused when the model is made: a class must not
behave differently here without a word.
"""

import importlib
import inspect
import logging
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

from modelserver.columns import Column, parse_columns
from modelserver.errors import INTERNAL, ServingError, StartError
from modelserver.reference import Reference, parse_reference

log = logging.getLogger("modelserver")

MAX_COMPLAINTS = 100
NOT_CALLED = (
    *("predict_raw", "predict_rest", "send_feedback_raw", "send_feedback_rest", "health_status_raw"),
    *("custom_service", "model_error_handler"),
)
"""Methods of a model that seldon-core 1.17.1 calls for REST and this server does not."""
OTHER_NODES = {
    "route": "a router",
    "aggregate": "a combiner",
    "transform_input": "a transformer",
    "transform_output": "an output transformer",
}
USE_WRAPPER = "set MODEL_SERVER=seldon-core in .s2i/environment to serve it"
BASE_CLASS = "seldon_core.user_model"
"""The module of SeldonComponent, whose methods do nothing but say that they are not implemented."""
NO_TAGS: Mapping[str, object] = MappingProxyType({})


class Prediction(NamedTuple):
    """The result of one call of the model: its data as returned, its tags, and its metrics' entries, unchecked."""

    data: Any
    tags: Mapping[str, object] = NO_TAGS
    metrics: Sequence[object] = ()


def load_class(name: str) -> type:
    """Find ``Module`` (whose class has the same name) or ``package.module.Class``; the cwd comes first.

    Raises ``StartError``, which names what was looked for; an import error inside the module keeps its own text.
    """
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.insert(0, here)
    module_name, _, class_name = name.rpartition(".") if "." in name else (name, "", name)
    try:
        module = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        if error.name and (module_name + ".").startswith(error.name + "."):
            raise StartError(f"there is no module {error.name} for the model {name} in {here}") from error
        raise StartError(f"the model {name} needs the module {error.name}, which is not installed") from error
    except BaseException as error:
        raise StartError(f"importing {module_name} failed: {type(error).__name__}: {error}") from error
    found = getattr(module, class_name, None)
    if not isinstance(found, type):
        raise StartError(f"{module.__file__} has no class {class_name}")
    _check_methods(name, found)
    return found


def _check_methods(name: str, model_class: type) -> None:
    """Raise ``StartError`` unless the class is a model that this server serves as Seldon's wrapper would."""
    if own_method(model_class, "predict") is None:
        other = next((kind for method, kind in OTHER_NODES.items() if own_method(model_class, method)), None)
        raw = next((method for method in NOT_CALLED if own_method(model_class, method)), None)
        if other:
            raise StartError(f"the class {name} is {other}, and modelserver serves models alone; {USE_WRAPPER}")
        if raw:
            raise StartError(f"the class {name} has {raw} and no method predict; {USE_WRAPPER}")
        raise StartError(f"the class {name} has no method predict")
    for method in NOT_CALLED:
        if own_method(model_class, method):
            text = f"the class {name} has the method {method}, which modelserver does not call"
            raise StartError(f"{text}; {USE_WRAPPER}, or remove the method")


def own_method(model: object, name: str) -> Callable[..., Any] | None:
    """A method of a model or its class, unless it is the empty one of Seldon's base class."""
    found = getattr(model, name, None)
    return found if callable(found) and getattr(found, "__module__", None) != BASE_CLASS else None


class Model:
    """One instance of the model's class. Not loaded until ``load()``; calls may come from several threads."""

    def __init__(self, name: str, model_class: type, parameters: Mapping[str, object]) -> None:
        self.name = name
        try:
            self.instance: Any = model_class(**parameters)
        except BaseException as error:
            given = ", ".join(parameters) or "no parameters"
            raise StartError(f"{name}({given}) failed: {type(error).__name__}: {error}") from error
        self.columns: tuple[Column, ...] = ()
        self.reference: Reference | None = None
        """The training data, if the model describes it."""
        self.documents = tuple(getattr(self.instance, "json_documents", ()))
        """Keys of jsonData that the model reads itself, for example a request to explain an answer."""
        self.supports_batching = bool(getattr(self.instance, "supports_batching", False))
        """Whether the rows of several requests may be one call: no answer depends on the other rows."""
        self.failed: Callable[[str], None] = lambda method: None
        """Called with the name of a method of the model that failed."""
        self._complaints: set[str] = set()
        self._predict: Callable[..., Any] = self.instance.predict
        self._takes_names, self._takes_meta = _signature(self._predict)
        self._tags = self._optional("tags")
        self._metrics = self._optional("metrics")
        self._class_names: Any = None

    def _optional(self, name: str) -> Callable[[], Any] | None:
        found = own_method(self.instance, name)
        return None if found is None else partial(self._guarded, name, found)

    def load(self) -> None:
        """Call the model's ``load()`` and read its schema. Raises ``StartError``."""
        try:
            load = own_method(self.instance, "load")
            if load is not None:
                load()
            schema = self.instance.input_schema() if hasattr(self.instance, "input_schema") else None
            describe = own_method(self.instance, "training_reference")
            reference = describe() if describe is not None else None
        except BaseException as error:
            raise StartError(f"{self.name}: loading failed: {type(error).__name__}: {error}") from error
        names = getattr(self.instance, "class_names", None)
        if callable(names):
            self._class_names = own_method(self.instance, "class_names")
        else:
            self._class_names = names if names is None else [str(name) for name in names]
        if schema is not None:
            self.columns = parse_columns(schema)
        if reference is not None:
            self.reference = parse_reference(reference, self.columns)

    def mark_rows_validated(self) -> None:
        """Set the model's ``rows_are_checked``, if it has one: all rows are checked against its ``input_schema()``.

        A model that runs under several servers checks rows itself. Checking twice takes half as long as a prediction;
        with ``rows_are_checked`` the model can leave it out.
        """
        if hasattr(self.instance, "rows_are_checked"):
            self.instance.rows_are_checked = True

    def predict(self, features: Any, names: Sequence[str], meta: Mapping[str, object]) -> Prediction:
        """One prediction with the model's tags and metrics for it."""
        try:
            returned = self.ask(features, names, meta)
        except BaseException as error:
            raise self._refusal("predict", error) from error
        return self.finish(returned)

    def ask(self, features: Any, names: Sequence[str], meta: Mapping[str, object]) -> Any:
        """What ``predict()`` returns, for ``finish``. Raises whatever the model raises."""
        arguments = (features, list(names)) if self._takes_names else (features,)
        return self._predict(*arguments, meta=meta) if self._takes_meta else self._predict(*arguments)

    def feedback(self, features: Any, names: Sequence[str], reward: float, truth: Any, routing: Any) -> Prediction:
        """Call the model's ``send_feedback()``, if it has one."""
        call = own_method(self.instance, "send_feedback")
        if call is None:
            return Prediction(None)
        return self.finish(self._guarded("send_feedback", call, features, list(names), reward, truth, routing=routing))

    def health(self) -> object:
        """What ``health_status()`` returns. Raises ``ServingError`` 503 when it raises."""
        call = own_method(self.instance, "health_status")
        if call is None:
            return "healthy"
        try:
            return call()
        except BaseException as error:
            log.warning("health_status() raised %s: %s", type(error).__name__, error)
            raise ServingError(503, f"the model is not healthy: {error}", reason=INTERNAL) from error

    def metadata(self) -> dict[str, object]:
        """What ``init_metadata()`` returns, or nothing."""
        call = own_method(self.instance, "init_metadata")
        if call is None:
            return {}
        found = self._guarded("init_metadata", call)
        return dict(found) if isinstance(found, Mapping) else {}

    def class_names(self) -> list[str] | None:
        """The names of the output's columns: ``class_names`` as a method or as an attribute."""
        names = self._class_names
        if callable(names):
            names = [str(name) for name in self._guarded("class_names", names)]
        return names  # type: ignore[no-any-return]

    def finish(self, returned: Any) -> Prediction:
        """Unwrap a SeldonResponse (anything with data, tags and metrics) and add tags() and metrics()."""
        tags = self._tags() if self._tags is not None else None
        metrics = self._metrics() if self._metrics is not None else None
        # An array has data too, but no tags.
        if hasattr(returned, "tags") and hasattr(returned, "metrics") and hasattr(returned, "data"):
            tags = {**(tags or {}), **(returned.tags or {})}
            metrics = [*(metrics or ()), *(returned.metrics or ())]
            returned = returned.data
        return Prediction(returned, tags or NO_TAGS, metrics or ())

    def complain(self, text: str) -> None:
        """Log a mistake of the model that is not the caller's, once for each text."""
        if text not in self._complaints and len(self._complaints) < MAX_COMPLAINTS:
            self._complaints.add(text)
            log.error("%s: %s", self.name, text)

    def _guarded(self, what: str, call: Callable[..., Any], *arguments: Any, **extra: Any) -> Any:
        try:
            return call(*arguments, **extra)
        except BaseException as error:
            raise self._refusal(what, error) from error

    def _refusal(self, what: str, error: BaseException) -> ServingError:
        """The answer to an error of the model's code: the model's own text when the error has a 4xx status."""
        status = getattr(error, "status_code", None)
        if isinstance(status, int) and 400 <= status < 500:
            reason = str(getattr(error, "reason", None) or "MICROSERVICE_BAD_DATA")
            info = getattr(error, "message", None) or str(error)
            return ServingError(status, str(info), reason=reason)
        self.failed(what)
        log.error("%s() of %s raised", what, self.name, exc_info=error)
        return ServingError(500, f"{what}() of the model failed; its log has the traceback", reason=INTERNAL)


def _signature(call: Callable[..., Any]) -> tuple[bool, bool]:
    """Whether ``call`` takes names (a second positional argument) and the keyword ``meta``."""
    parameters = list(inspect.signature(call).parameters.values())
    kinds = {parameter.kind for parameter in parameters}
    positional = [
        parameter
        for parameter in parameters
        if parameter.kind in (parameter.POSITIONAL_ONLY, parameter.POSITIONAL_OR_KEYWORD) and parameter.name != "meta"
    ]
    takes_names = len(positional) > 1 or inspect.Parameter.VAR_POSITIONAL in kinds
    takes_meta = inspect.Parameter.VAR_KEYWORD in kinds or any(p.name == "meta" for p in parameters)
    return takes_names, takes_meta
