"""Files: uploaded to S3 with a presigned form, then looked at, and imported where they are CSV (docs/files.md)."""
