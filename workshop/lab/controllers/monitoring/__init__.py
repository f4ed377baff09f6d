"""Monitors and rules: the files of the lab's Prometheus follow them."""
