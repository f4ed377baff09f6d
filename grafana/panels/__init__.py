"""The panels: each function returns one, with the title, the description that teaches, and the unit."""
