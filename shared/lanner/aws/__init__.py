"""AWS as this toolkit needs it: `wire` for the request path, `clients` (boto3, lazily) for everything else."""
