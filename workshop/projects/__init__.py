"""Model projects: from a CSV file to a folder that the kit's pipelines carry, and to a newer template."""
