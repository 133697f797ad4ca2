"""The hub: projects, macros and the audit, over the rows of all packages below."""
