"""Notifications by e-mail and webhook: /v2/notifications."""
