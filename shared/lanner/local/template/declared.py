"""Secrets and parameters that the template itself declares, as values for its own dynamic references.

`GenerateSecretString` is drawn from the stack's and the secret's names, so that a secret is the same on every start
(what was signed or encrypted yesterday is read today) and the engine holds what functions were told. It protects
nothing: it is for a laptop.

Source: AWS::SecretsManager::Secret GenerateSecretString; Secrets Manager API, "GetRandomPassword".
"""

from __future__ import annotations

import hashlib
import json
import string
from typing import TYPE_CHECKING

from lanner.local.template.reader import Reader

if TYPE_CHECKING:
    from lanner.local.template.stack import Stack

SECRET = "AWS::SecretsManager::Secret"  # noqa: S105 (a type's name)
PARAMETER = "AWS::SSM::Parameter"
_PUNCTUATION = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"  # GetRandomPassword's, without the space
_DEFAULT_LENGTH = 32
_CLASSES = {
    "ExcludeLowercase": string.ascii_lowercase,
    "ExcludeUppercase": string.ascii_uppercase,
    "ExcludeNumbers": string.digits,
    "ExcludePunctuation": _PUNCTUATION,
}


def declared_value(stack: Stack, store: str, name: str) -> str | None:
    """The value of a secret or parameter called `name` that the stack declares, or None."""
    for resource in stack.of_type(SECRET if store == "secretsmanager" else PARAMETER):
        identity = stack.identity(resource.logical_id, resource.where)
        if identity is not None and name in (identity.name, identity.ref):
            properties = stack.properties(resource.logical_id)
            if store == "secretsmanager":
                return secret_string(properties, f"{stack.place.stack}/{resource.logical_id}")
            return properties.text("Value")
    return None


def secret_string(properties: Reader, seed: str) -> str:
    """A secret's `SecretString`, or what `GenerateSecretString` makes of `seed`."""
    if "GenerateSecretString" not in properties:
        return properties.text("SecretString")
    rules = properties.child("GenerateSecretString")
    alphabet = "".join(each for key, each in _CLASSES.items() if not rules.flag(key))
    alphabet += " " if rules.flag("IncludeSpace") else ""
    excluded = rules.text("ExcludeCharacters")
    alphabet = "".join(each for each in alphabet if each not in excluded) or "x"
    password = _draw(alphabet, rules.number("PasswordLength", _DEFAULT_LENGTH), seed)
    key = rules.text("GenerateStringKey")
    if not key:
        return password
    try:
        template = json.loads(rules.text("SecretStringTemplate", "{}"))
    except ValueError:
        rules.wrong("SecretStringTemplate", "JSON")
        template = {}
    return json.dumps({**template, key: password})


def _draw(alphabet: str, length: int, seed: str) -> str:
    block = b""
    counter = 0
    while len(block) < 2 * length:
        block += hashlib.sha256(f"{seed}/{counter}".encode()).digest()
        counter += 1
    numbers = (int.from_bytes(block[2 * i : 2 * i + 2]) for i in range(length))
    return "".join(alphabet[number % len(alphabet)] for number in numbers)
