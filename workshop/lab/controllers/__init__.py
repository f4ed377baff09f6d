"""Reconcile loops over the store: level-triggered, restart-safe."""
