"""Tests of tekton/from-dvc."""
