"""What the API server answers, and how fast."""
