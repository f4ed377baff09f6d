"""Finds mistakes in manifests of Tekton and Seldon without a cluster and without a lab.

`documents` reads the files, `rules` lists what is looked for, `linter` applies the rules, `sarif` writes the findings
for code scanners. What a cluster would refuse is found by the lab's own admission.
"""
