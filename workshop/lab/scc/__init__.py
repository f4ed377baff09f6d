"""SecurityContextConstraints (SCC): what OpenShift lets a Pod ask for, and the admission that decides on it."""
