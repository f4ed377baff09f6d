"""The controllers of the lab: reconcile loops over the store. They do not know each other.

What one of them publishes for other parts is in the `Lab`. `table` lists them.
"""
