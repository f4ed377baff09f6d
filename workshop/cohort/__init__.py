"""A room of participants on one cluster: provision, status, teardown."""
