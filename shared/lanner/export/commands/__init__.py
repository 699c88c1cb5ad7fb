"""What `lanner COMMAND` runs, one module per command."""
