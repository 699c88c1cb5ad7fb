"""How a function's asynchronous invocations are retried and where they end, in SAM's spelling and in the raw one.

Source: AWS SAM Developer Guide, "EventInvokeConfiguration", "DeadLetterQueue"; AWS::Lambda::EventInvokeConfig;
AWS::Lambda::Function "DeadLetterConfig".
"""

from __future__ import annotations

from lanner.local.template.reader import Reader
from lanner.local.template.triggers import arn_target
from lanner.local.template.world import World
from lanner.local.triggers import AsyncPolicy, Target

_RETRIES, _AGES = (0, 2), (60, 21_600)  # attempts after the first; seconds


def async_policy(properties: Reader, separate: Reader | None, world: World) -> AsyncPolicy:
    """What a function says of its asynchronous invocations; `separate` is its `AWS::Lambda::EventInvokeConfig`."""
    config = properties.child("EventInvokeConfig") if separate is None else separate
    destinations = config.child("DestinationConfig")
    letters = properties.child("DeadLetterQueue" if "DeadLetterQueue" in properties else "DeadLetterConfig")
    return AsyncPolicy(
        maximum_retry_attempts=_limited(config, "MaximumRetryAttempts", 2, _RETRIES),
        maximum_event_age=_limited(config, "MaximumEventAgeInSeconds", _AGES[1], _AGES),
        on_success=_destination(destinations.child("OnSuccess"), "Destination", world),
        on_failure=_destination(destinations.child("OnFailure"), "Destination", world),
        dead_letter=_destination(letters, "TargetArn", world),
    )


def _limited(config: Reader, key: str, default: int, limits: tuple[int, int]) -> int:
    value = config.number(key, default)
    if not limits[0] <= value <= limits[1]:
        message = f"{key} is {value}; Lambda allows {limits[0]} to {limits[1]}"
        config.findings.error(config.resource, message, config.at(key))
    return min(max(value, limits[0]), limits[1])


def _destination(given: Reader, key: str, world: World) -> Target | None:
    """The target of an ARN. SAM makes a queue or topic where a destination has a type alone: that is not done here."""
    if not given:
        return None
    if key in given:
        return arn_target(given, key, world)
    message = f"a {given.text('Type', 'destination')} that SAM would make is not made locally: name it with {key}"
    given.findings.unsupported(given.resource, message, given.section.where)
    return None
