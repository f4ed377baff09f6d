"""Tekton Triggers: an event that arrives over HTTP becomes objects, mostly PipelineRuns.

`Triggers` is what the supervisor starts. Rules are those of Triggers 0.36; where the lab differs, the module that
does so says it.
"""

from workshop.lab.controllers.triggers.run import Triggers

__all__ = ["Triggers"]
