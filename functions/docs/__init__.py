"""What describes the API: versions, OpenAPI, documentation pages; and the answer to unknown paths."""
