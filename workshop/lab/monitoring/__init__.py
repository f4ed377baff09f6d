"""What the objects of `monitoring.coreos.com` mean to Prometheus.

The translations are pure. Admission uses them to refuse an object that Prometheus would not load; the controller uses
them to write Prometheus' files.
"""
