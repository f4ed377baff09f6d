"""The approval gate: CustomRuns that name an ApprovalTask."""
