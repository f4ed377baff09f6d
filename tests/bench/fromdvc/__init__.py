"""What from-dvc costs."""
