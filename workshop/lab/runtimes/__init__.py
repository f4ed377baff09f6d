"""Where containers run. `base.py` is the protocol; each folder is one runtime."""
