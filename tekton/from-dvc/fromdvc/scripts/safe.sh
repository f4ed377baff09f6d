# The workspace may belong to another user id.
git config --global --add safe.directory '*'
