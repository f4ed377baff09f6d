"""Chromium for the tests: driven by Selenium, held to what axe-core (npm, MPL-2.0, beside this file) finds."""
