"""What one request leaves behind: its line, and Powertools' logger, metrics and tracer for the code in routes."""
