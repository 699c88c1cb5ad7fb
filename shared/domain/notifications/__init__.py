"""Notifications: a message to an e-mail address, or to a webhook of the client's choice."""
