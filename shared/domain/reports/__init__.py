"""Reports over users: growth, locales, activity, as CSV and as a page with charts (docs/reports.md)."""
