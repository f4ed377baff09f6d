"""`oc` for machines without one: the verbs that kubectl does not have; kubectl runs all others.

`tool()` is the program that the lab puts on PATH. `python -m workshop.oc` does the same, and is what the tool runs
for the verbs of this package.
"""
