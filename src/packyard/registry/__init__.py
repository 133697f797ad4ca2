"""What we hold. `registry.Registry.commit` is the only door by which content becomes visible."""
