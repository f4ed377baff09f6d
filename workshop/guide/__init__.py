"""The guided modules: read, rendered as pages, and run line by line by the tests."""
