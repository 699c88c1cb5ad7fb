"""The two hooks: `before_traffic` decides whether a new version gets any, `after_traffic` whether it keeps it.

    CodeDeploy ─ BeforeAllowTraffic ─▶ before_traffic: every safe request of events/<group>/ goes to the new version and
               │                       to the one in service; worse answers refuse the deployment
               ├ shifts traffic, watching the alarms
               └ AfterAllowTraffic ──▶ after_traffic: the same requests through the alias, as callers reach it; then a
                                       job warms the cache

States of a run: judged -> reported. Reporting happens whatever judging does (an exception is a "Failed" with its name
in the log): a hook that stays silent would hold the deployment for an hour. When reporting itself fails there is
nobody to tell, so the invocation fails and Lambda, which was called asynchronously, tries again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from deploy_hooks.deployment import Deployment, Target, read_deployment, report
from deploy_hooks.judgement import judge_alias, judge_new_version

Judge = Callable[[Target], list[str]]


def before_traffic(event: Mapping[str, Any], _context: Any) -> dict[str, Any]:  # Any: Lambda's own event and context
    """CodeDeploy's BeforeAllowTraffic. Returns what it reported, for the log of whoever invokes it by hand."""
    return _run(event, "before traffic", judge_new_version)


def after_traffic(event: Mapping[str, Any], _context: Any) -> dict[str, Any]:  # Any: Lambda's own event and context
    """CodeDeploy's AfterAllowTraffic. Returns what it reported."""
    outcome = _run(event, "after traffic", judge_alias)
    if outcome["succeeded"]:
        _warm(outcome["deployment"])
    return outcome


def _warm(deployment: str) -> None:
    """Have what most callers ask for rendered by the new version: one job for a deployment, however many hooks ran."""
    import os

    from domain.caching import TENANT
    from lanner.jobs.producer import Producer

    if not os.environ.get("LANNER_JOBS_TABLE"):
        return
    try:
        Producer(tenant=TENANT).enqueue("cache.warm", {}, key=deployment)
    except Exception as error:  # the deployment has been reported: a cache that stays cold fails nobody
        os.write(1, f"WARNING the cache is not warmed: {type(error).__name__}: {error}\n".encode())


def _run(event: Mapping[str, Any], moment: str, judge: Judge) -> dict[str, Any]:
    deployment = Deployment.of(event)
    problems = _problems(deployment, judge)
    outcome = {"hook": moment, "deployment": deployment.id, "succeeded": not problems, "problems": problems}
    _log(outcome)
    report(deployment, succeeded=not problems)
    return outcome


def _problems(deployment: Deployment, judge: Judge) -> list[str]:
    try:
        targets = read_deployment(deployment)
        if not targets:
            return ["the deployment names no Lambda function"]
        return [f"{target.function}: {problem}" for target in targets for problem in judge(target)]
    except Exception as error:  # the boundary: whatever went wrong has to be reported, or the deployment hangs
        return [f"{type(error).__name__}: {error}"]


def _log(outcome: dict[str, Any]) -> None:
    import os

    import orjson

    level = "INFO" if outcome["succeeded"] else "ERROR"
    os.write(1, orjson.dumps({"level": level, **outcome}, option=orjson.OPT_APPEND_NEWLINE))
