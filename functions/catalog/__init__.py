"""The catalog, in every version."""
