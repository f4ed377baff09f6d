"""Tekton Triggers: an HTTP event creates objects, usually PipelineRuns.

`Triggers` is the part that the supervisor starts. The rules are those of Triggers 0.36. A module that differs from them
says so.
"""

from workshop.lab.controllers.triggers.run import Triggers

__all__ = ["Triggers"]
