"""One name in v1, two in v2: how each is made from the other, so that neither version loses what the other knows.

v1 -> v2: a name that v1 did not change changes nothing. Of a changed one the part that is still there stays whole
(`Ana de la Cruz` -> `Eva de la Cruz` keeps the family name `de la Cruz`); a name with neither part left is split at its
last space, and a single word is a given name without a family name.
v2 -> v1: what v1 wrote last, as long as v2 changed neither part since; else both parts with a space.
"""

from __future__ import annotations


def split_name(name: str) -> tuple[str, str | None]:
    """Given and family name of a stripped name that nothing else is known of."""
    given, space, family = name.rpartition(" ")
    if not space:
        return name, None
    return given.rstrip(), family.lstrip()


def rename(name: str, given_name: str, family_name: str | None) -> tuple[str, str | None]:
    """Given and family name after v1 changed the whole stripped name to `name`."""
    if family_name and name.endswith(" " + family_name):
        return name[: -len(family_name)].rstrip(), family_name
    if name.startswith(given_name + " "):
        return given_name, name[len(given_name) :].lstrip()
    return split_name(name)
