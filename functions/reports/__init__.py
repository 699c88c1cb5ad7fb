"""Reports over users, made by jobs: /v2/reports."""
