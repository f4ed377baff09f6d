"""The commands of `python -m delivery`, one file each: `add(parser)` adds its options, `run(given)` does it.

`run` returns the exit code and raises DeliveryError.
"""
