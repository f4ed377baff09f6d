"""What a participant is, in the lab and on a cluster alike."""
