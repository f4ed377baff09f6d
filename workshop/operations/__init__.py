"""What several verbs of the command line do, in the lab and on a cluster alike."""
