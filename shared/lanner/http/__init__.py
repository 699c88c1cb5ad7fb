"""HTTP without a framework: messages, events, headers, problems. Standard library and orjson only."""
