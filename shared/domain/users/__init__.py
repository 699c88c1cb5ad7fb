"""Users: one stored user serves every version of the API."""
