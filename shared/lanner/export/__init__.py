"""Documents and configurations made from route groups and the template. Never shipped."""
