"""What Tekton's entrypoint does in a Pod: steps in order, `when`, `onError`, timeouts, results, sidecars."""
