"""The ConfigMaps `feature-flags` and `config-defaults`, with which an administrator configures Tekton Pipelines.

The fields are those of tektoncd/pipeline at v1.15 (pkg/apis/config/feature_flags.go and default.go), with the messages
of its readers. As on a cluster, a key that is not in the tables has no effect. Of the keys in `IMPLEMENTED`, the lab
accepts the values there alone.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import msgspec
import yaml

from workshop.manifests.tekton.params import parse_duration
from workshop.manifests.tekton.runs import PodTemplate, WorkspaceBinding

FEATURE_FLAGS, CONFIG_DEFAULTS = "feature-flags", "config-defaults"
"""The names of the ConfigMaps."""
LARGEST_RESULT = 1_572_864
"""Bytes of a result that the API server no longer stores; `max-result-size` must be less."""

Stability = Literal["stable", "beta", "alpha"]
_INT = re.compile(r"[+-]?\d+")
_TRUE, _FALSE = ("1", "t", "T", "TRUE", "true", "True"), ("0", "f", "F", "FALSE", "false", "False")


class ConfigError(ValueError):
    """A value that Tekton refuses; the text is Tekton's own."""


def _key(key: str, shown: str = "") -> dict[str, str]:
    """The key of a field in the ConfigMap, and its name in the status of a run if the status shows it."""
    return {"key": key, "shown": shown}


@dataclass(frozen=True)
class FeatureFlags:
    """The values of `feature-flags`; the defaults are Tekton's, which OpenShift Pipelines keeps."""

    disable_creds_init: bool = field(default=False, metadata=_key("disable-creds-init", "disableCredsInit"))
    injected_sidecars: bool = field(
        default=True, metadata=_key("running-in-environment-with-injected-sidecars", "runningInEnvWithInjectedSidecars")
    )
    require_known_hosts: bool = field(
        default=False, metadata=_key("require-git-ssh-secret-known-hosts", "requireGitSSHSecretKnownHosts")
    )
    enable_api_fields: str = field(default="beta", metadata=_key("enable-api-fields", "enableAPIFields"))
    send_cloudevents: bool = field(default=True, metadata=_key("send-cloudevents-for-runs", "sendCloudEventsForRuns"))
    await_sidecar_readiness: bool = field(
        default=True, metadata=_key("await-sidecar-readiness", "awaitSidecarReadiness")
    )
    enforce_nonfalsifiability: str = field(
        default="none", metadata=_key("enforce-nonfalsifiability", "enforceNonfalsifiability")
    )
    keep_pod_on_cancel: bool = field(default=False, metadata=_key("keep-pod-on-cancel", "enableKeepPodOnCancel"))
    no_match_policy: str = field(
        default="ignore", metadata=_key("trusted-resources-verification-no-match-policy", "verificationNoMatchPolicy")
    )
    provenance_in_status: bool = field(
        default=True, metadata=_key("enable-provenance-in-status", "enableProvenanceInStatus")
    )
    results_from: str = field(default="termination-message", metadata=_key("results-from", "resultExtractionMethod"))
    max_result_size: int = field(default=4096, metadata=_key("max-result-size", "maxResultSize"))
    set_security_context: bool = field(default=False, metadata=_key("set-security-context", "setSecurityContext"))
    read_only_root: bool = field(
        default=False,
        metadata=_key("set-security-context-read-only-root-filesystem", "setSecurityContextReadOnlyRootFilesystem"),
    )
    coschedule: str = field(default="workspaces", metadata=_key("coschedule", "coschedule"))
    cel_in_when: bool = field(default=False, metadata=_key("enable-cel-in-whenexpression", "enableCELInWhenExpression"))
    param_enum: bool = field(default=False, metadata=_key("enable-param-enum", "enableParamEnum"))
    artifacts: bool = field(default=False, metadata=_key("enable-artifacts", "enableArtifacts"))
    disable_inline_spec: str = field(default="", metadata=_key("disable-inline-spec", "disableInlineSpec"))
    concise_resolver_syntax: bool = field(
        default=False, metadata=_key("enable-concise-resolver-syntax", "enableConciseResolverSyntax")
    )
    kubernetes_sidecar: bool = field(
        default=False, metadata=_key("enable-kubernetes-sidecar", "enableKubernetesSidecar")
    )
    exponential_backoff: bool = field(
        default=False, metadata=_key("enable-wait-exponential-backoff", "enableWaitExponentialBackoff")
    )
    compressed_messages: bool = field(
        default=False, metadata=_key("enable-termination-message-compression", "enableTerminationMessageCompression")
    )

    @property
    def sidecar_logs(self) -> bool:
        """Whether results come from the log of a sidecar, with a limit for each result."""
        return self.results_from == "sidecar-logs"

    def needs(self, feature: str, wanted: Stability) -> str:
        """The webhook's message if the API fields of a stability are off; empty if they are on.

        Source: ValidateEnabledAPIFields in pkg/apis/config/featureflags_validation.go.
        """
        allowed = {"stable": ("alpha", "beta", "stable"), "beta": ("alpha", "beta"), "alpha": ("alpha",)}[wanted]
        if self.enable_api_fields in allowed:
            return ""
        gates = " or ".join(f'"{one}"' for one in allowed)
        return f'{feature} requires "enable-api-fields" feature gate to be {gates} but it is "{self.enable_api_fields}"'

    def disallows_inline(self, place: str) -> bool:
        """Whether inline specs are off in a `pipeline`, a `pipelinerun` or a `taskrun`."""
        return place in self.disable_inline_spec.split(",")

    def shown(self) -> dict[str, Any]:
        """The flags as `status.provenance.featureFlags` shows them: without those that are off."""
        values = ((one.metadata["shown"], getattr(self, one.name)) for one in dataclasses.fields(self))
        return {name: value for name, value in values if value}


@dataclass(frozen=True)
class Defaults:
    """The values of `config-defaults`; the default account is that of OpenShift Pipelines."""

    timeout_minutes: int = field(default=60, metadata=_key("default-timeout-minutes"))
    service_account: str = field(default="pipeline", metadata=_key("default-service-account"))
    managed_by: str = field(default="tekton-pipelines", metadata=_key("default-managed-by-label-value"))
    pod_template: Mapping[str, Any] | None = field(default=None, metadata=_key("default-pod-template"))
    workspace_binding: WorkspaceBinding | None = field(
        default=None, metadata=_key("default-task-run-workspace-binding")
    )
    matrix_combinations: int = field(default=256, metadata=_key("default-max-matrix-combinations-count"))
    forbidden_env: tuple[str, ...] = field(default=(), metadata=_key("default-forbidden-env"))
    resolver: str = field(default="", metadata=_key("default-resolver-type"))
    resolution_seconds: float = field(default=60.0, metadata=_key("default-maximum-resolution-timeout"))

    @property
    def timeout_seconds(self) -> float:
        """The timeout of runs that set none."""
        return self.timeout_minutes * 60.0


@dataclass(frozen=True)
class Config:
    """Tekton's configuration in one cluster."""

    flags: FeatureFlags = FeatureFlags()
    defaults: Defaults = Defaults()


SHIPPED = Config()
"""What OpenShift Pipelines installs."""

SHIPPED_FLAGS = {
    "await-sidecar-readiness": "true",
    "coschedule": "workspaces",
    "disable-creds-init": "false",
    "disable-inline-spec": "",
    "enable-api-fields": "beta",
    "enable-artifacts": "false",
    "enable-cel-in-whenexpression": "false",
    "enable-concise-resolver-syntax": "false",
    "enable-informer-cache-transforms": "true",
    "enable-kubernetes-sidecar": "false",
    "enable-param-enum": "false",
    "enable-provenance-in-status": "true",
    "enable-step-actions": "true",
    "enable-tekton-oci-bundles": "false",
    "enable-termination-message-compression": "false",
    "enable-wait-exponential-backoff": "false",
    "enforce-nonfalsifiability": "none",
    "keep-pod-on-cancel": "false",
    "require-git-ssh-secret-known-hosts": "false",
    "results-from": "termination-message",
    "running-in-environment-with-injected-sidecars": "true",
    "send-cloudevents-for-runs": "true",
    "set-security-context": "false",
    "set-security-context-read-only-root-filesystem": "false",
    "trusted-resources-verification-no-match-policy": "ignore",
}
SHIPPED_DEFAULTS = {"default-service-account": "pipeline", "default-timeout-minutes": "60"}
"""The data of the ConfigMaps; their values are those of `SHIPPED`."""

ACCEPTED: dict[str, str] = {
    "coschedule": "one machine runs all Pods; `workspaces` refuses a second claim in a task as on a cluster",
    "enable-informer-cache-transforms": "the lab has no informers",
    "enable-kubernetes-sidecar": "sidecars start before the steps and end after them in either case",
    "enable-step-actions": "StepActions are stable",
    "enable-tekton-oci-bundles": "Tekton does not read it any more",
    "enable-wait-exponential-backoff": "the lab's store does not reject a run temporarily",
    "keep-pod-on-cancel": "the lab keeps the Pods of cancelled runs in either case",
    "running-in-environment-with-injected-sidecars": "the lab injects no sidecars",
    "send-cloudevents-for-runs": "the lab sends no CloudEvents",
    "set-security-context": "the lab's Pods have none of the containers that Tekton adds",
    "set-security-context-read-only-root-filesystem": "the lab's Pods have none of the containers that Tekton adds",
    "default-affinity-assistant-pod-template": "the lab has no affinity assistants",
    "default-create-container-error-timeout": "the lab does not wait for a container that cannot be created",
    "default-imagepullbackoff-timeout": "the lab pulls no images",
    "default-sidecar-log-polling-interval": "the lab reads results when a step ends",
    "default-step-ref-concurrency-limit": "the lab resolves StepActions one after another",
}
"""Keys that are accepted and have no effect in the lab, with the reason."""

IMPLEMENTED: dict[str, tuple[str, ...]] = {
    "default-cloud-events-sink": ("",),
    "default-container-resource-requirements": ("",),
    "enable-concise-resolver-syntax": ("", *_FALSE),
    "enforce-nonfalsifiability": ("", "none"),
    "trusted-resources-verification-no-match-policy": ("", "ignore"),
}
"""Keys of which the lab implements these values alone; an empty one is that of a key without a value."""


def feature_flags(data: Mapping[str, str]) -> FeatureFlags:
    """The flags of a ConfigMap's data. Raises ConfigError."""
    choices = {
        "enable-api-fields": ("alpha", "beta", "stable"),
        "trusted-resources-verification-no-match-policy": ("fail", "warn", "ignore"),
        "results-from": ("termination-message", "sidecar-logs"),
        "enforce-nonfalsifiability": ("none", "spire"),
        "coschedule": ("disabled", "workspaces", "pipelineruns", "isolate-pipelinerun"),
    }
    found: dict[str, Any] = {}
    for one in dataclasses.fields(FeatureFlags):
        key = one.metadata["key"]
        text = data.get(key)
        if text is None:
            continue
        if isinstance(one.default, bool):
            found[one.name] = _bool(key, text)
        elif key in choices:
            if text.lower() not in choices[key]:
                raise ConfigError(f'invalid value for feature flag "{key}": "{text.lower()}"')
            found[one.name] = text.lower()
        elif key == "max-result-size":
            found[one.name] = _result_size(text)
        else:
            found[one.name] = text
    return FeatureFlags(**found)


_PER_FEATURE = (
    "keep-pod-on-cancel", "enable-cel-in-whenexpression", "enable-param-enum", "enable-artifacts",
    "enable-concise-resolver-syntax", "enable-termination-message-compression",
)  # fmt: skip
"""Flags of one feature, whose message ends with their name."""


def _bool(key: str, text: str) -> bool:
    if text not in (*_TRUE, *_FALSE):
        of = f" for feature {key}" if key in _PER_FEATURE else ""
        raise ConfigError(
            f'failed parsing feature flags config "{text}": strconv.ParseBool: parsing "{text}": invalid syntax{of}'
        )
    return text in _TRUE


def _result_size(text: str) -> int:
    if not _INT.fullmatch(text):
        raise ConfigError(f'strconv.Atoi: parsing "{text}": invalid syntax')
    if int(text) >= LARGEST_RESULT:
        # Tekton names another flag in this message.
        raise ConfigError(
            f'invalid value for feature flag "results-from": "{int(text)}". This is exceeding the CRD limit'
        )
    return int(text)


def defaults(data: Mapping[str, str]) -> Defaults:
    """The defaults of a ConfigMap's data. Raises ConfigError."""
    readers: dict[str, Callable[[str], Any]] = {
        "default-timeout-minutes": int,
        "default-max-matrix-combinations-count": int,
        "default-maximum-resolution-timeout": parse_duration,
        "default-forbidden-env": lambda text: tuple(sorted({one.strip() for one in text.split(",")})),
    }
    found: dict[str, Any] = {}
    for one in dataclasses.fields(Defaults):
        key = one.metadata["key"]
        text = data.get(key)
        if text is None:
            continue
        if key == "default-pod-template":
            template = _yaml(text, PodTemplate)
            found[one.name] = None if template is None else msgspec.to_builtins(template)
        elif key == "default-task-run-workspace-binding":
            found[one.name] = _yaml(text, WorkspaceBinding, name="default")
        elif key in readers:
            try:
                found[one.name] = readers[key](text)
            except ValueError as e:
                raise ConfigError(f'failed parsing default config "{key}"') from e
        else:
            found[one.name] = text
    return Defaults(**found)


def _yaml(text: str, type_: Any, **more: str) -> Any:
    """A part of a manifest in YAML; None for an empty text. Raises ConfigError."""
    try:
        content = yaml.safe_load(text)
        return msgspec.convert({**more, **content}, type_) if content else None
    except (yaml.YAMLError, msgspec.ValidationError, TypeError) as e:
        raise ConfigError(f"failed to unmarshal {text}") from e


def unsupported(data: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """The keys and values of a ConfigMap that a cluster accepts and the lab does not implement."""
    for key, values in IMPLEMENTED.items():
        value = data.get(key, "").strip()
        if value not in values:
            yield key, value


READERS: dict[str, Callable[[Mapping[str, str]], FeatureFlags | Defaults]] = {
    FEATURE_FLAGS: feature_flags,
    CONFIG_DEFAULTS: defaults,
}
"""The reader of each ConfigMap."""
