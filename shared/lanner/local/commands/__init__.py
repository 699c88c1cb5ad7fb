"""The subcommands of `lanner` that concern the local cloud: each has `configure(parser)` and `run(args)`."""


class CommandError(Exception):
    """What the user asked for cannot be done; the message says what was wrong and what would be right."""
