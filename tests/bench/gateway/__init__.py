"""What the lab's gateway costs."""
