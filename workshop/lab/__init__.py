"""The lab: a small cluster in one process, so that the workshop runs on one laptop."""
