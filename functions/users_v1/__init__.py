"""Version 1 of the users: /v1/users."""
