"""The real programs that the lab starts and watches: MLflow, Prometheus, JupyterHub and their like."""
