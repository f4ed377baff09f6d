"""The settings from the environment: Seldon's variables as its operator sets them, and a few of our own.

They are parsed once. A value that cannot be read, or that this server does not do, stops the start with the
variable's name.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from modelserver.errors import StartError

# What Seldon's wrapper writes where the operator has set nothing.
UNKNOWN = "NOT_IMPLEMENTED"
TRUE = ("1", "true", "yes", "on")
FALSE = ("0", "false", "no", "off", "")
PARAMETER_TYPES = ("INT", "FLOAT", "DOUBLE", "STRING", "BOOL")
T = TypeVar("T", dict[str, Any], list[object])


@dataclass(frozen=True, slots=True)
class Settings:
    """The process's settings. Sizes in bytes, times in seconds; a port of 0 means any free one."""

    host: str = "127.0.0.1"
    http_port: int = 9000
    metrics_port: int = 6000
    metrics_path: str = "/metrics"
    unit_id: str = ""
    unit_image: str = ""
    deployment: str = UNKNOWN
    predictor: str = UNKNOWN
    predictor_version: str = UNKNOWN
    parameters: Mapping[str, object] = field(default_factory=dict)
    metadata: Mapping[str, object] = field(default_factory=dict)
    metrics_in_response: bool = True
    max_body_bytes: int = 2 * 1024 * 1024
    max_rows: int = 5000
    max_concurrency: int = 256
    max_connections: int = 512
    max_buffered_bytes: int = 64 * 1024 * 1024
    body_timeout: float = 10.0
    predict_timeout: float = 30.0
    drain_timeout: float = 8.0
    workers: int = 1
    threads: int = 0
    access_log: bool = True
    allow_origin: str = ""
    feedback_token: str = field(default="", repr=False)
    """What feedback must carry as a bearer token; empty takes feedback from everybody."""

    @property
    def model_image(self) -> str:
        """The image's name without its version, split at the last colon as Seldon's wrapper does."""
        return (self.unit_image or UNKNOWN).rpartition(":")[0]

    @property
    def model_version(self) -> str:
        """The part after the last colon: a tag, or a digest's hash."""
        return (self.unit_image or UNKNOWN).rpartition(":")[2]


def read_settings(env: Mapping[str, str]) -> Settings:
    """Read the variables. Raises ``StartError``, which names the wrong one and what is allowed."""
    kind = env.get("SERVICE_TYPE") or "MODEL"
    if kind != "MODEL":
        text = f"SERVICE_TYPE is {kind}; modelserver serves MODEL alone"
        raise StartError(f"{text}; for others, set MODEL_SERVER=seldon-core in .s2i/environment")
    version = _json(env, "PREDICTOR_LABELS", dict).get("version", UNKNOWN)
    path = env.get("PREDICTIVE_UNIT_METRICS_ENDPOINT", "/metrics")
    if not path.startswith("/"):
        raise StartError(f"PREDICTIVE_UNIT_METRICS_ENDPOINT is {path!r}; it must begin with a slash")
    return Settings(
        host=env.get("MODEL_SERVER_HOST", "127.0.0.1"),
        http_port=_number(env, "PREDICTIVE_UNIT_HTTP_SERVICE_PORT", 9000, 0, 65535),
        metrics_port=_number(env, "PREDICTIVE_UNIT_METRICS_SERVICE_PORT", 6000, 0, 65535),
        metrics_path=path,
        unit_id=env.get("PREDICTIVE_UNIT_ID", ""),
        unit_image=env.get("PREDICTIVE_UNIT_IMAGE", ""),
        deployment=env.get("SELDON_DEPLOYMENT_ID") or UNKNOWN,
        predictor=env.get("PREDICTOR_ID") or UNKNOWN,
        predictor_version=str(version),
        parameters=parse_parameters(_json(env, "PREDICTIVE_UNIT_PARAMETERS", list)),
        metadata=_metadata(env),
        metrics_in_response=_flag(env, "INCLUDE_METRICS_IN_CLIENT_RESPONSE", True),
        max_body_bytes=_number(env, "MODEL_SERVER_MAX_BODY_BYTES", 2 * 1024 * 1024, 1, 2**31),
        max_rows=_number(env, "MODEL_SERVER_MAX_ROWS", 5000, 1, 10**7),
        max_concurrency=_number(env, "MODEL_SERVER_MAX_CONCURRENCY", 256, 1, 10**6),
        max_connections=_number(env, "MODEL_SERVER_MAX_CONNECTIONS", 512, 1, 10**6),
        max_buffered_bytes=_number(env, "MODEL_SERVER_MAX_BUFFERED_BYTES", 64 * 1024 * 1024, 1, 2**40),
        body_timeout=_number(env, "MODEL_SERVER_BODY_TIMEOUT", 10, 1, 3600),
        predict_timeout=_number(env, "MODEL_SERVER_PREDICT_TIMEOUT", 30, 1, 3600),
        drain_timeout=_number(env, "MODEL_SERVER_DRAIN_TIMEOUT", 8, 1, 3600),
        # Seldon's wrapper reads GUNICORN_WORKERS, so deployments that were made for it set it.
        workers=_number(env, "MODEL_SERVER_WORKERS", _number(env, "GUNICORN_WORKERS", 1, 1, 64), 1, 64),
        threads=_number(env, "MODEL_SERVER_THREADS", 0, 0, 256),
        access_log=_flag(env, "MODEL_SERVER_ACCESS_LOG", True),
        allow_origin=env.get("MODEL_SERVER_ALLOW_ORIGIN", ""),
        feedback_token=_token(env, "MODEL_SERVER_FEEDBACK_TOKEN"),
    )


def parse_parameters(entries: list[object]) -> dict[str, object]:
    """Seldon's ``[{"name", "value", "type"}]`` as arguments of the model's constructor. Raises ``StartError``."""
    arguments: dict[str, object] = {}
    for position, entry in enumerate(entries):
        where = f"PREDICTIVE_UNIT_PARAMETERS[{position}]"
        if not isinstance(entry, dict) or not isinstance(entry.get("name"), str) or "value" not in entry:
            raise StartError(f"{where} must be an object with name, value and type")
        kind = entry.get("type", "STRING")
        text = str(entry["value"])
        try:
            if kind == "INT":
                value: object = int(text)
            elif kind in ("FLOAT", "DOUBLE"):
                value = float(text)
            elif kind == "BOOL" and text.lower() in TRUE + FALSE:
                value = text.lower() in TRUE
            elif kind == "STRING":
                value = text
            elif kind in PARAMETER_TYPES:
                raise ValueError
            else:
                raise StartError(f"{where}: type is {kind!r}; allowed are {', '.join(PARAMETER_TYPES)}")
        except ValueError:
            raise StartError(f"{where}: {entry['name']} is {text!r}, which is not of type {kind}") from None
        arguments[entry["name"]] = value
    return arguments


def _metadata(env: Mapping[str, str]) -> dict[str, object]:
    """MODEL_METADATA: YAML, as Seldon's wrapper reads it, of which JSON is a part."""
    text = env.get("MODEL_METADATA", "").strip()
    if not text:
        return {}
    import yaml  # 20 ms, only for those who set the variable

    try:
        value = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError) as error:
        raise StartError(f"MODEL_METADATA is not YAML: {error}") from error
    if not isinstance(value, dict) or not all(isinstance(key, str) for key in value):
        raise StartError(f"MODEL_METADATA is {text[:60]!r}; it must be an object with strings as keys")
    return value


def _number(env: Mapping[str, str], name: str, default: int, low: int, high: int) -> int:
    text = env.get(name, "")
    if not text:
        return default
    try:
        value = int(text)
    except ValueError:
        value = low - 1
    if not low <= value <= high:
        raise StartError(f"{name} is {text!r}; it must be an integer from {low} to {high}")
    return value


def _flag(env: Mapping[str, str], name: str, default: bool) -> bool:
    text = env.get(name)
    if text is None:
        return default
    if text.lower() not in TRUE + FALSE:
        raise StartError(f"{name} is {text!r}; it must be true or false")
    return text.lower() in TRUE


def _token(env: Mapping[str, str], name: str) -> str:
    """A token without spaces around it. One of spaces alone would leave the server open without a word."""
    text = env.get(name, "")
    if text and not text.strip():
        raise StartError(f"{name} has spaces only; it must be a token, or not be set")
    return text.strip()


def _json(env: Mapping[str, str], name: str, kind: type[T]) -> T:
    text = env.get(name, "").strip()
    if not text:
        return kind()
    try:
        value = json.loads(text)
    except ValueError as error:
        raise StartError(f"{name} is not JSON: {error}") from error
    if not isinstance(value, kind):
        raise StartError(f"{name} must be a JSON {'object' if kind is dict else 'list'}")
    return value
