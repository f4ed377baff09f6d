"""Asks production for a change: a signed event to production's EventListener.

Accounts of other namespaces have no rights in production. Everybody with the secret may ask; what comes of it is in
production's Pipelines: a promotion, an A/B test and a shadow wait for an approval, a rollback starts at once. The event
is signed as GitHub signs a push (docs.github.com, "Validating webhook deliveries"). Standard library only.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import urllib.error
import urllib.request

from delivery.errors import DeliveryError

PROMOTE, AB_TEST, SHADOW, ROLLBACK = "promote", "ab-test", "shadow", "rollback"
KINDS = (PROMOTE, AB_TEST, SHADOW, ROLLBACK)
MAIN = "model"
"""The folder of the use case where an event or a command names none."""
EVENT = "release-request"
EVENT_LABEL = "triggers.tekton.dev/triggers-eventid"
"""The label with the event's id on the PipelineRun that it starts."""
SECONDS = 20
_NAME = "^[A-Za-z0-9._@:-]*$"
FOLDER = "^[A-Za-z0-9_-]+(/[A-Za-z0-9_-]+)*$"
"""The folder of a use case in a clone."""
_ASKED = {"by": _NAME, "usecase": FOLDER}
_EXPERIMENT = {**_ASKED, "version": "^[0-9]*$", "image": "^[A-Za-z0-9._:/@-]*$"}
FORMS = {
    PROMOTE: _ASKED,
    AB_TEST: _EXPERIMENT,
    SHADOW: _EXPERIMENT,
    ROLLBACK: {**_ASKED, "version": "^[A-Za-z0-9:]*$", "because": "^.{0,500}$"},
}
"""The fields that the filters of production's EventListener check, by kind. It drops other values without a message."""


def ask(
    url: str, secret: str, kind: str, *, by: str, usecase: str = MAIN, version: str = "", image: str = "",
    because: str = "",
) -> str:  # fmt: skip
    """Send the event; its id. `version` and `image` name a release, `because` the reason of a rollback.

    `usecase` is the folder of the use case in the toolbox image. DeliveryError when the listener would drop a value, or
    does not answer. An event with a wrong signature gets an id as well, and starts no run.
    """
    content = {"kind": kind, "by": by, "usecase": usecase, "version": version, "image": image, "because": because}
    for field, form in FORMS[kind].items():
        if not re.fullmatch(form, content[field]):
            raise DeliveryError(f"{kind}: {field} is {content[field][:80]!r}; allowed is what matches {form}")
    body = json.dumps(content).encode()
    headers = {
        "Content-Type": "application/json",
        "X-GitHub-Event": EVENT,
        "X-Hub-Signature-256": "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest(),
    }
    what = f"production's EventListener at {url}"
    try:
        request = urllib.request.Request(url, body, headers, method="POST")  # noqa: S310 the configured address
        with urllib.request.urlopen(request, timeout=SECONDS) as response:  # noqa: S310
            return str(json.load(response)["eventID"])
    except urllib.error.HTTPError as error:
        answer = error.read(300).decode("utf-8", "replace")
        raise DeliveryError(f"{what} answers {error.code} {answer}", next=_LOOK) from error
    except (OSError, ValueError, KeyError) as error:
        raise DeliveryError(f"{what} does not answer: {error}", next=_LOOK) from error


_LOOK = "oc get eventlistener production -n <user>-production"
