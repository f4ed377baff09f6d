"""Who sends a request: people with a token of the lab, and ServiceAccounts with a signed token."""
