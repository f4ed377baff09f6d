"""What a Git server knows besides commits: the statuses of commits, merge requests, and files at a revision.

All of it is in the folder of the bare repository, so it lives and is deleted with the repository.
"""
