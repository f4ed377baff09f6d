"""What Prometheus scrapes and evaluates, from PodMonitors and PrometheusRules."""
