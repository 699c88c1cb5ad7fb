"""Called by S3 when a file has arrived: starts its job."""
