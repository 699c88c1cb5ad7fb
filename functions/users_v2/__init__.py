"""Version 2 of the users: /v2/users, and /users where no version is named."""
