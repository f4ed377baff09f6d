"""Chromium for the tests: driven by Selenium, and checked by axe-core (npm, MPL-2.0, in this folder)."""
