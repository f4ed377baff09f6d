"""Images of the process runtime: content-addressed folders, and stand-ins for the tools that build them."""
