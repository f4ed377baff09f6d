"""Translation of the objects of `monitoring.coreos.com` to Prometheus' configuration.

The functions are pure. Admission uses them to refuse an object that Prometheus would not load. The controller uses them
to write Prometheus' files.
"""
