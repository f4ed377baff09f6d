"""What a room shares on a cluster: preflight, install, status, verify, uninstall."""
