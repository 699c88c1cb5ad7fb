"""What moto works out anew by every request although it follows from the API's model alone, worked out once.

- Names under which a member of an answer may stand in moto's result, which it tries for each member of each answer:
  they follow from the member's shape, except where the result is an object of a class with aliases of its own.
- Names of a service's methods, listed by `inspect`, and the method's name of an operation.
"""

from __future__ import annotations

import functools
from typing import Any

from moto.core import responses, serialize, utils


def install() -> None:
    """Apply all of it."""
    module: Any = responses  # Any: its names are replaced
    module.method_names_from_class = functools.cache(utils.method_names_from_class)
    module.camelcase_to_underscores = functools.lru_cache(1_000)(utils.camelcase_to_underscores)
    _keep_names()


def _keep_names() -> None:
    serializer: Any = serialize.ResponseSerializer
    get_value = serializer.get_value

    def picked(self: Any, value: Any, key: str, shape: Any) -> Any:
        picker = self._value_picker
        if type(value) is not dict or "." in key or not _picks_by_name(picker):  # a dot would be a path
            return get_value(self, value, key, shape)
        known = vars(shape).get("member_names")
        parent = vars(shape).get("parent")  # moto sets it before it serializes a member, and names depend on it
        if known is None or known[0] != key or known[1] is not parent:
            known = shape.member_names = key, parent, _member_names(self, picker, key, shape)
        for name in known[2]:
            if name in value:
                return value[name]
        return None

    serializer.get_value = picked


def _picks_by_name(picker: Any) -> bool:
    """Whether only names decide: nothing transforms values, and the sources of names are moto's own."""
    return (
        type(picker) is serialize.XFormedAttributePicker
        and not picker.response_transformers
        and picker.alias_providers is serialize.DEFAULT_ALIAS_PROVIDERS
    )


def _member_names(serializer: Any, picker: Any, key: str, shape: Any) -> tuple[str, ...]:
    """The names by moto's own rules, in its order, for a result that is a mapping."""
    operation = serializer.operation_model
    context = serialize.AttributePickerContext({}, key, shape, operation, operation.service_model)
    return tuple(dict.fromkeys(picker.get_possible_keys(context)))
