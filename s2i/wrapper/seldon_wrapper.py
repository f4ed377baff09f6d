"""``python -m seldon_wrapper MODEL`` serves a model with the stock wrapper of seldon-core 1.17.1.

Everything that answers is the wrapper's own code. What is set here is what it has no flag for, or gets wrong by
default (measured):

* it listens where ``MODEL_SERVER_HOST`` says, 127.0.0.1 by default, and not on 0.0.0.0;
* a port in use stops the start; the wrapper alone would go on without metrics;
* one thread, because more lose counts: of 800 requests on 8 threads, 175 were counted;
* no gRPC, because with it the processes do not end on SIGTERM.

``--check`` imports and loads the model and asks for its health and metadata, then exits. The log has the same two
events as the own server's, as JSON lines: ``listening`` with the ports and, in the worker, ``ready``. Exit codes:
0 stopped or checked, 1 the model or the environment is not fit, 2 wrong usage.
"""

import argparse
import importlib
import json
import multiprocessing
import os
import socket
import sys
from typing import Any

# Python 3.12 has no distutils, which the wrapper imports; setuptools puts its own in place.
import setuptools  # noqa: F401

SERVICE_TYPES = ("MODEL", "ROUTER", "TRANSFORMER", "COMBINER", "OUTLIER_DETECTOR")
PORTS = {"http": ("PREDICTIVE_UNIT_HTTP_SERVICE_PORT", 9000), "metrics": ("PREDICTIVE_UNIT_METRICS_SERVICE_PORT", 6000)}


class StartError(Exception):
    """The model or the environment cannot be served; the text says what and where."""


def main() -> int:
    """Parse the command line and run."""
    parser = argparse.ArgumentParser(prog="seldon_wrapper", description="Serve a model with seldon-core's wrapper.")
    parser.add_argument("model", help="Module (holding a class of that name) or package.module.Class")
    parser.add_argument("--check", action="store_true", help="import, load, ask for health and metadata; then exit")
    arguments = parser.parse_args()
    sys.path.insert(0, os.getcwd())  # noqa: PTH109 the wrapper does the same with the same call
    try:
        if os.environ.get("TRACING", "0") != "0":
            raise StartError("TRACING is set; this build of the wrapper has no tracing libraries: unset TRACING")
        if os.environ.get("MODEL_SERVER_FEEDBACK_TOKEN"):
            text = "MODEL_SERVER_FEEDBACK_TOKEN is set, and the wrapper takes feedback from everybody"
            raise StartError(f"{text}: unset it, or set MODEL_SERVER=modelserver")
        if arguments.check:
            check(arguments.model)
        else:
            serve(arguments.model)
    except StartError as error:
        sys.stderr.write(f"seldon_wrapper: {error}\n")
        return 1
    return 0


def serve(name: str) -> None:
    """Serve until a signal ends it. Raises ``StartError``."""
    kind = os.environ.get("SERVICE_TYPE") or "MODEL"
    if kind not in SERVICE_TYPES:
        raise StartError(f"SERVICE_TYPE is {kind}; allowed are {', '.join(SERVICE_TYPES)}")
    sockets = {what: _bound(variable, default) for what, (variable, default) in PORTS.items()}
    # The wrapper hands closures to its processes, which only a fork can carry.
    multiprocessing.set_start_method("fork")
    from seldon_core import gunicorn_utils, microservice

    ports = {what: int(one.getsockname()[1]) for what, one in sockets.items()}
    _listen_on(gunicorn_utils.StandaloneApplication, sockets, ports)
    workers = os.environ.get("MODEL_SERVER_WORKERS") or "1"
    numbers = ["--workers", workers, "--threads", "1", "--grpc-workers", "0"]
    where = [f"--{what}-port={port}" for what, port in ports.items()]
    sys.argv = ["seldon-core-microservice", name, "--service-type", kind, *numbers, *where]
    announce("listening", **ports)
    microservice.main()


def check(name: str) -> None:
    """Prove that the wrapper would serve the model. Raises ``StartError``."""
    from seldon_core import microservice, wrapper
    from seldon_core.metrics import SeldonMetrics

    module, _, cls = name.rpartition(".") if "." in name else (name, "", name)
    try:
        parameters = microservice.parse_parameters(json.loads(os.environ.get("PREDICTIVE_UNIT_PARAMETERS", "[]")))
        model = getattr(importlib.import_module(module), cls)(**parameters)
        if hasattr(model, "load"):
            model.load()
    except ModuleNotFoundError as error:
        if error.name and (module + ".").startswith(error.name + "."):
            raise StartError(f"there is no module {error.name} for the model {name} in {os.getcwd()}") from error  # noqa: PTH109
        raise StartError(f"the model {name} needs the module {error.name}, which is not installed") from error
    except Exception as error:
        raise StartError(f"{name}: loading failed: {type(error).__name__}: {error}") from error
    asked = wrapper.get_rest_microservice(model, SeldonMetrics()).test_client()
    for path in ("/health/status", "/metadata"):
        answer = asked.get(path)
        if answer.status_code != 200:
            raise StartError(f"{name}: {path} answers {answer.status_code}: {answer.get_data(as_text=True).strip()}")


def announce(event: str, **what: int) -> None:
    """One JSON line on the log. With port 0 it is the only place that says where the process listens."""
    sys.stderr.write(json.dumps({"event": event, **what}) + "\n")
    sys.stderr.flush()


def _bound(variable: str, default: int) -> socket.socket:
    host = os.environ.get("MODEL_SERVER_HOST") or "127.0.0.1"
    text = os.environ.get(variable) or str(default)
    if not text.isdecimal() or int(text) > 65535:
        raise StartError(f"{variable} is {text!r}; it must be an integer from 0 to 65535")
    sock = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        sock.bind((host, int(text)))
    except OSError as error:
        problem = f"cannot listen on {host}:{text}: {error.strerror}; set {variable} to a free port"
        raise StartError(problem) from error
    return sock


def _listen_on(application: Any, sockets: dict[str, socket.socket], ports: dict[str, int]) -> None:
    """Give gunicorn the bound sockets in place of the wrapper's 0.0.0.0, and let the worker say when it is ready."""
    load_config = application.load_config

    def load(self: Any) -> None:
        load_config(self)
        what = "http" if hasattr(self, "user_object") else "metrics"
        self.cfg.set("bind", f"fd://{sockets[what].detach()}")
        # A socket in the home folder for gunicorn's own tool: an image's home is not writable for every user.
        self.cfg.set("control_socket_disable", True)
        begun = self.cfg.post_worker_init

        def ready(worker: Any) -> None:
            begun(worker)
            if what == "http":
                announce("ready", **ports)

        self.cfg.set("post_worker_init", ready)

    application.load_config = load


if __name__ == "__main__":
    sys.exit(main())
