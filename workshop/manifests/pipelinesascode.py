"""`pipelinesascode.tekton.dev/v1alpha1`: the Repository of Pipelines as Code.

Fields, bounds and allowed values are those of its CRD at v0.48 (`config/300-repositories.yaml`). Names have
underscores. `workshop.lab.admission.pipelinesascode` lists the fields that the lab refuses.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from workshop.manifests.meta import Anything, Condition, Reported, Resource, Time, Typed

Strategy = Literal["", "disable_all", "update"]


def _as_written(name: str) -> str:
    return name


class Snake(Typed, rename=_as_written, frozen=True, kw_only=True):
    """Base of the types whose fields have underscores in JSON too."""


class SecretRef(Snake, frozen=True, kw_only=True):
    """One key of a Secret in the namespace of the Repository."""

    name: str
    key: str = ""


class GitProvider(Snake, frozen=True, kw_only=True):
    """The Git server and how Pipelines as Code logs in there."""

    url: str = ""
    user: str = ""
    secret: SecretRef | None = None
    webhook_secret: SecretRef | None = None
    type: Literal["", "github", "gitlab", "bitbucket-datacenter", "bitbucket-cloud", "gitea", "forgejo"] = ""


class RepositoryParam(Snake, frozen=True, kw_only=True):
    """A variable of `.tekton/`, used as {{ name }}."""

    name: str
    value: str = ""
    secret_ref: SecretRef | None = None
    filter: Annotated[str, Meta(description="CEL; the param has this value only where it is true.")] = ""


class Incoming(Snake, frozen=True, kw_only=True):
    """A URL that starts PipelineRuns without a push."""

    type: Literal["webhook-url"]
    secret: SecretRef
    params: list[str] = []
    targets: list[str] = []


class Policy(Snake, frozen=True, kw_only=True):
    """Who may start PipelineRuns besides the owners of the repository."""

    ok_to_test: list[str] = []
    pull_request: list[str] = []


class GitlabSettings(Snake, frozen=True, kw_only=True):
    """Settings for GitLab."""

    comment_strategy: Strategy = ""
    token_auto_rotation: bool | None = None


class GithubSettings(Snake, frozen=True, kw_only=True):
    """Settings for GitHub."""

    comment_strategy: Strategy = ""


class ForgejoSettings(Snake, frozen=True, kw_only=True):
    """Settings for Gitea and Forgejo."""

    user_agent: str = ""
    comment_strategy: Strategy = ""


class RepositorySettings(Snake, frozen=True, kw_only=True):
    """How the repository is handled."""

    github_app_token_scope_repos: list[str] = []
    pipelinerun_provenance: Annotated[
        Literal["", "source", "default_branch"],
        Meta(description="Where .tekton/ is read: the commit of the event (source), or the default branch."),
    ] = ""
    gitops_command_prefix: str = ""
    policy: Policy | None = None
    gitlab: GitlabSettings | None = None
    github: GithubSettings | None = None
    forgejo: ForgejoSettings | None = None
    ai: Anything | None = None


class RepositorySpec(Snake, frozen=True, kw_only=True):
    """A repository whose folder `.tekton/` runs in this namespace."""

    url: Annotated[str, Meta(description="The page of the repository, without .git.")] = ""
    concurrency_limit: Annotated[int, Meta(ge=1, description="PipelineRuns at a time.")] | None = None
    git_provider: GitProvider | None = None
    incoming: list[Incoming] | None = None
    params: list[RepositoryParam] | None = None
    settings: RepositorySettings | None = None


class RepositoryRun(Reported, frozen=True, kw_only=True):
    """One of the last runs."""

    pipeline_run_name: str = ""
    start_time: Time | None = None
    completion_time: Time | None = None
    conditions: list[Condition] | None = None
    sha: str | None = None
    sha_url: str | None = msgspec.field(name="sha_url", default=None)
    title: str | None = None
    logurl: str | None = None
    target_branch: str | None = msgspec.field(name="target_branch", default=None)
    event_type: str | None = msgspec.field(name="event_type", default=None)


class Repository(Resource, frozen=True, kw_only=True):
    """A repository of the Git server whose pushes and merge requests run `.tekton/`."""

    spec: RepositorySpec
    pipelinerun_status: list[RepositoryRun] | None = msgspec.field(name="pipelinerun_status", default=None)
