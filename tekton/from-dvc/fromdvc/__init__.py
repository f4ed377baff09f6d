"""Makes a Tekton Pipeline or an Argo Workflow from the stages of a dvc.yaml.

`graph` reads the DVC project, `tekton` and `argo` are pure functions from it to objects, `render` writes them.
It imports DVC and PyYAML, and nothing else of this repository.
"""
