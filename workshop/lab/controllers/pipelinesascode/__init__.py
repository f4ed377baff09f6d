"""Pipelines as Code: the PipelineRuns of a repository's folder `.tekton/` run on pushes and on merge requests."""
