"""The files that Prometheus and Alertmanager read: configurations, targets, rules.

Prometheus reloads changed targets by itself, and the rest on SIGHUP. It neither starts with an invalid file nor accepts
one on SIGHUP, so only validated files are written. A file is replaced as a whole.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workshop.lab.monitoring import checking, routing
from workshop.lab.monitoring.text import to_yaml
from workshop.lab.private_files import write_private

SCRAPE_INTERVAL = "5s"
_GLOBAL = {"scrape_interval": SCRAPE_INTERVAL, "evaluation_interval": "5s"}


@dataclass(frozen=True)
class Notified:
    """An Alertmanager: its address `host:port`, and the file with the token that it asks for."""

    address: str
    token: Path


class AlertmanagerFiles:
    """The folder of one Alertmanager. The configuration contains values of Secrets: only the owner can read it."""

    def __init__(self, folder: Path) -> None:
        self.config = folder / "alertmanager.yml"

    def prepare(self) -> None:
        """Write a configuration that sends nothing, unless there is one of an earlier run that Alertmanager loads."""
        if not self.config.exists() or checking.alertmanager_errors(self.config.read_text()):
            self.write([])

    def write(self, parts: Iterable[routing.Routing]) -> bool:
        """Write the configuration. Returns whether Alertmanager must reload."""
        content = routing.text(parts).encode()
        if self.config.exists() and self.config.read_bytes() == content:
            return False
        write_private(self.config, content)
        return True


class PrometheusFiles:
    """The folder of one Prometheus. Alerts go to `alertmanager`, if there is one."""

    def __init__(self, folder: Path, alertmanager: Notified | None = None) -> None:
        self._alertmanager = alertmanager
        self.config = folder / "prometheus.yml"
        self.rules = folder / "rules"
        self.targets = folder / "targets"

    def prepare(self) -> None:
        """Write a configuration that Prometheus starts with.

        Rules of an earlier run stay, so that Prometheus remembers since when an alert is active. Rules that this
        version of Prometheus cannot load are deleted. Scraping begins when `write_jobs` is called.
        """
        self.rules.mkdir(parents=True, exist_ok=True)
        for file in self.rules.iterdir():
            if file.suffix != ".yaml" or checking.rule_errors(file.read_text()):
                file.unlink()
        self._write_config([])

    def write_jobs(self, jobs: Mapping[str, tuple[dict[str, Any], list[dict[str, Any]]]]) -> bool:
        """Write scrape configurations and their target groups, by name. Returns whether Prometheus must reload."""
        targets, configs = {}, []
        for name, (config, groups) in jobs.items():
            file = f"{name.replace('/', '_')}.json"
            targets[file] = json.dumps(groups, indent=1)
            discovery = {"files": [str(self.targets / file)], "refresh_interval": "2s"}
            configs.append({**config, "file_sd_configs": [discovery]})
        _replace(self.targets, targets)
        return self._write_config(configs)

    def write_rules(self, files: Mapping[str, str]) -> bool:
        """Write rule files, by name. Returns whether Prometheus must reload."""
        return _replace(self.rules, files)

    def _write_config(self, scrape_configs: list[dict[str, Any]]) -> bool:
        config: dict[str, Any] = {
            "global": _GLOBAL,
            "rule_files": [str(self.rules / "*.yaml")],
            "scrape_configs": scrape_configs,
        }
        if self._alertmanager:
            config["alerting"] = {
                "alertmanagers": [
                    {
                        "authorization": {"credentials_file": str(self._alertmanager.token)},
                        "static_configs": [{"targets": [self._alertmanager.address]}],
                    }
                ]
            }
        return _write(self.config, to_yaml(config))


def _replace(folder: Path, wanted: Mapping[str, str]) -> bool:
    """Make a folder contain exactly these files. Returns whether anything changed."""
    folder.mkdir(parents=True, exist_ok=True)
    changed = False
    for file in folder.iterdir():
        if file.name not in wanted:
            file.unlink()
            changed = True
    for name, text in wanted.items():
        changed |= _write(folder / name, text)
    return changed


def _write(file: Path, text: str) -> bool:
    if file.exists() and file.read_text() == text:
        return False
    partial = file.with_name(f"{file.name}.new")
    partial.write_text(text)
    partial.replace(file)
    return True
