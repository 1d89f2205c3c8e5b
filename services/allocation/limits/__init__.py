"""How much a company may have: quotas and their reviews, tracks, limits of batch work."""
