"""`make soak`: a lab under load meets one fault after another, and nothing that it acknowledged may be lost."""
