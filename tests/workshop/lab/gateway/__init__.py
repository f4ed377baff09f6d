"""The gateway over real HTTP to servers that stand in for model servers."""
