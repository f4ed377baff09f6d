"""What may be asked of production: the same values here and in the filters of its EventListener."""

from __future__ import annotations

import re

import pytest
import yaml
from delivery.asking import EVENT, FORMS, KINDS, ask
from delivery.errors import DeliveryError

from workshop.usecase import KIT

LISTENER = KIT / "tekton/production/triggers/production.yaml"


def filters() -> list[str]:
    """The CEL filters for events of the type that `ask` sends."""
    found = []
    for trigger in yaml.safe_load(LISTENER.read_text())["spec"]["triggers"]:
        params = {one["name"]: one["value"] for interceptor in trigger["interceptors"] for one in interceptor["params"]}
        if EVENT in params["eventTypes"]:
            found.append(params["filter"])
    return found


def test_the_forms_are_those_of_the_listeners_filters() -> None:
    asked: dict[str, dict[str, str]] = {}
    for text in filters():
        forms = dict(re.findall(r"body\.(\w+)\.matches\('([^']*)'\)", text))
        asked |= {kind: forms for kind in KINDS if f"'{kind}'" in text}
    assert asked == FORMS


@pytest.mark.parametrize(
    ("kind", "fields", "named"),
    [
        ("promote", {"by": "cn=Ann, ou=data"}, "by is 'cn=Ann, ou=data'"),
        ("promote", {"usecase": "../model"}, "usecase is '../model'"),
        ("rollback", {"usecase": "/etc"}, "usecase is '/etc'"),
        ("shadow", {"version": "latest"}, "version is 'latest'"),
        ("ab-test", {"image": "registry/model:1;rm"}, "image is 'registry/model:1;rm'"),
        ("rollback", {"because": "first line\nsecond"}, "because is 'first line"),
        ("rollback", {"because": "x" * 501}, "because is 'xxx"),
    ],
)
def test_a_value_that_the_listener_would_drop_is_refused_before_it_is_sent(
    kind: str, fields: dict[str, str], named: str
) -> None:
    # Nothing listens at the address: a request would fail with another message.
    with pytest.raises(DeliveryError, match=re.escape(named)):
        ask("http://127.0.0.1:9", "secret", kind, **{"by": "user1", **fields})
