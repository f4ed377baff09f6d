"""The web pages of the lab: the console, the dashboards and the guide, protected by one token."""
