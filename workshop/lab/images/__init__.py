"""Images of the process runtime: content-addressed folders, and replacements of the tools that build them."""
