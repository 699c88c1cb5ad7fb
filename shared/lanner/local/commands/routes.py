"""`lanner routes`: what a template serves, without serving it."""

from __future__ import annotations

import argparse

from lanner.local.commands.arguments import add_template_arguments, template_options
from lanner.local.console import Console
from lanner.local.overview import function_rows, route_rows


def configure(parser: argparse.ArgumentParser) -> None:
    add_template_arguments(parser)
    parser.add_argument("--base", default="http://127.0.0.1:3000", help="what URLs begin with")


def run(args: argparse.Namespace) -> int:
    console = Console()
    plan = template_options(args).plan("http://127.0.0.1:5000")
    console.findings(plan.findings)
    console.say(console.paint("routes", "bold"))
    console.table(route_rows(plan, args.base))
    console.say(console.paint("functions", "bold"))
    console.table(function_rows(plan))
    return 1 if any(finding.level == "error" for finding in plan.findings) else 0
