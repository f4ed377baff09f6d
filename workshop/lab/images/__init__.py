"""Images of the process engine: content-addressed folders, and small stand-ins for the tools that make them."""
