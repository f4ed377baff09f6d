"""The panels. Each function returns one panel with title, description and unit."""
