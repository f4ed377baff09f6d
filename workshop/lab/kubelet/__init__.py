"""The kubelet's part of the lab: environment variables, volumes, probes, restarts and the status of Pods."""
