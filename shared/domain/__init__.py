"""This API's business: versions, users, catalog. Knows the toolkit, never the functions."""
