"""The OpenAPI document as a page: the model's input, every path, and a form to try it.

The page contains all of its parts, so it works without a network. Its Content-Security-Policy allows nothing else.
"""

import base64
import hashlib
import json
from collections.abc import Iterator, Sequence
from html import escape
from pathlib import Path
from string import Template
from typing import Any

from modelserver.columns import Column

CONTENT_TYPE = "text/html; charset=utf-8"
_PAGE = Path(__file__).with_name("docs.html").read_text(encoding="utf-8")


def _hash(tag: str) -> str:
    """The Content-Security-Policy's source for the page's own style or script."""
    inside = _PAGE.partition(f"<{tag}>")[2].partition(f"</{tag}>")[0]
    return "'sha256-" + base64.b64encode(hashlib.sha256(inside.encode()).digest()).decode() + "'"


HEADERS = {
    "content-security-policy": f"default-src 'none'; style-src {_hash('style')}; script-src {_hash('script')}; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
}


def page(document: dict[str, Any], columns: Sequence[Column]) -> str:
    """The page for one model's document."""
    posts = {path: entry["post"] for path, entry in document["paths"].items() if "post" in entry}
    gets = {path: entry["get"] for path, entry in document["paths"].items() if "get" in entry}
    return Template(_PAGE).substitute(
        title=escape(document["info"]["title"]),
        version=escape(document["info"]["version"]),
        columns="".join(_columns(columns)),
        posts="".join(_post(path, operation) for path, operation in posts.items()),
        gets="".join(
            f'<tr><td><a href="{escape(path.lstrip("/"))}"><code>{escape(path)}</code></a><td>{escape(get["summary"])}'
            for path, get in gets.items()
        ),
    )


def _columns(columns: Sequence[Column]) -> Iterator[str]:
    if not columns:
        yield "<p>This model states no columns: it takes any data of the protocol.</p>"
        return
    yield '<div class="wide"><table><tr><th>column<th>what it is<th>allowed<th>example'
    for column in columns:
        example = json.dumps(column.sample)
        cells = (f"<code>{escape(column.name)}</code>", escape(column.description), escape(column.allowed),
                 f"<code>{escape(example)}</code>")  # fmt: skip
        yield "<tr>" + "".join(f"<td>{cell}" for cell in cells)
    yield "</table></div>"


def _post(path: str, operation: dict[str, Any]) -> str:
    example = operation["requestBody"]["content"]["application/json"].get("example", {})
    answers = "".join(
        f"<tr><td>{escape(code)}<td>{escape(answer['description'])}" for code, answer in operation["responses"].items()
    )
    return (
        f"<details><summary><b>POST</b> <code>{escape(path)}</code> {escape(operation['summary'])}</summary>"
        f'<form data-path="{escape(path.lstrip("/"))}"><label>Body, JSON<textarea spellcheck="false" rows="9">'
        f"{escape(json.dumps(example, indent=1))}</textarea></label><button>Send</button>"
        f'<output aria-live="polite"></output></form>'
        f"<table><tr><th>status<th>means{answers}</table></details>"
    )
