"""Who, and who may what. `policy.Policy` is what faces ask."""
