"""The schema of the provider's rules as decisions need it.

In: a schema that Cedar has parsed. Out: its actions with their groups, and the facts that it declares. It decides
nothing.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass

import cedarpy

# As cedarpy prints a schema.
_CALL = re.compile(r"type Call = \{(.*?)\n\}", re.DOTALL)
_ATTRIBUTE = re.compile(r'^\s*"?(\w+)"?\??: ', re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Model:
    """A schema as decisions need it.

    Attributes:
        schema: parsed.
        entities: its actions and their groups.
        groups: the same by the name of each action.
        attributes: facts that it declares; others are not shown to rules.
    """

    schema: cedarpy.Schema
    entities: cedarpy.Entities
    groups: Mapping[str, frozenset[str]]
    attributes: frozenset[str]


def read_schema(schema: cedarpy.Schema, known: frozenset[str]) -> Model:
    """What ``schema`` declares, provided that it asks for ``known`` facts only.

    Raises:
        ValueError: it has no actions, or asks for a fact that this program does not know.
    """
    # Parsed with the schema, because groups of actions are entities too: without them no rule on a group applies.
    entities = cedarpy.Entities.from_json_str("[]", schema)
    groups = {
        entity["uid"]["id"]: frozenset(parent["id"] for parent in entity["parents"])
        for entity in json.loads(str(entities))
    }
    if not groups:
        raise ValueError("the schema has no actions")
    declared = _CALL.search(str(schema))
    attributes = frozenset(_ATTRIBUTE.findall(declared[1])) if declared else frozenset[str]()
    if not attributes or not attributes <= known:
        raise ValueError("the schema's type Call asks for facts that this program does not know")
    return Model(schema, entities, groups, attributes)
