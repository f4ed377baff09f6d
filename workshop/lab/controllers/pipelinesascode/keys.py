"""The labels and annotations of Pipelines as Code (pkg/apis/pipelinesascode/keys)."""

from __future__ import annotations

GROUP = "pipelinesascode.tekton.dev"


def key(name: str) -> str:
    """A label or an annotation of Pipelines as Code by its short name."""
    return f"{GROUP}/{name}"


BRANCH = key("branch")
CANCEL_IN_PROGRESS = key("cancel-in-progress")
EVENT_TYPE = key("event-type")
EXECUTION_ORDER = key("execution-order")
GIT_AUTH_SECRET = key("git-auth-secret")
GIT_PROVIDER = key("git-provider")
LOG_URL = key("log-url")
MAX_KEEP_RUNS = key("max-keep-runs")
ON_CEL = key("on-cel-expression")
ON_COMMENT = key("on-comment")
ON_EVENT = key("on-event")
ON_LABEL = key("on-label")
ON_PATH = key("on-path-change")
ON_PATH_IGNORE = key("on-path-change-ignore")
ON_TARGET_BRANCH = key("on-target-branch")
ORIGINAL = key("original-prname")
PIPELINE = key("pipeline")
PULL_REQUEST = key("pull-request")
REPOSITORY = key("repository")
REPO_URL = key("repo-url")
SENDER = key("sender")
SHA = key("sha")
SHA_TITLE = key("sha-title")
SHA_URL = key("sha-url")
SOURCE_BRANCH = key("source-branch")
SOURCE_REPO_URL = key("source-repo-url")
STATE = key("state")
TARGET_NAMESPACE = key("target-namespace")
TASK = key("task")
URL_ORG = key("url-org")
URL_REPOSITORY = key("url-repository")

QUEUED, STARTED, COMPLETED = "queued", "started", "completed"
"""The values of STATE."""
