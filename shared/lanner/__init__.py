"""Lanner: the toolkit a fast, versioned, serverless HTTP API is made of."""
