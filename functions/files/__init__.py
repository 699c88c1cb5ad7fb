"""Files that are uploaded to S3 and processed by jobs: /v2/files."""
