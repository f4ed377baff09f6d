"""Take a tested digest to production by steps that measure, and back at once when the measures are bad.

rules.py decides and knows no cluster; prometheus.py and measure.py count; cluster.py applies overlays through `oc`;
registry.py moves aliases; history.py remembers. canary.py, release.py, rollback.py and compare.py are commands.
"""
