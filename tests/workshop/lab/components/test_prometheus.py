"""The lab's Prometheus as other programs of the machine meet it."""

from __future__ import annotations

import os
import subprocess
import time
import urllib.request
from pathlib import Path

import pytest

from workshop.lab.components.prometheus import process
from workshop.lab.ports import reserve
from workshop.programs import require


@pytest.mark.slow
def test_no_web_page_of_another_site_may_read_its_answers(tmp_path: Path) -> None:
    with reserve() as port:
        spec = process(require("prometheus").path, tmp_path, port.number, os.environ)
        running = subprocess.Popen(spec.argv, env=dict(spec.env), cwd=spec.cwd, stderr=subprocess.DEVNULL)
        try:
            deadline = time.monotonic() + 60
            while True:
                try:
                    urllib.request.urlopen(spec.ready_url, timeout=5).read()
                    break
                except OSError:
                    assert running.poll() is None and time.monotonic() < deadline
                    time.sleep(0.1)
            for origin in ("http://evil.example", "http://127.0.0.1:1", "null"):
                request = urllib.request.Request(f"{spec.url}/api/v1/query?query=1", headers={"Origin": origin})
                with urllib.request.urlopen(request, timeout=5) as answer:
                    assert answer.headers["Access-Control-Allow-Origin"] is None
        finally:
            running.terminate()
            running.wait(20)
