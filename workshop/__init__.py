"""The workshop kit: the guide, the command line and the lab."""
