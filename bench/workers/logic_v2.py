"""Runs in an environment that has nomenklatura: scores of its logic-v2 for labelled pairs, as JSON on standard output.

In: the CSV file of pairs. Not imported by anything of ours.
"""

import csv
import json
import sys
from pathlib import Path

from followthemoney import model  # type: ignore[import-not-found]
from nomenklatura.matching import LogicV2  # type: ignore[import-not-found]


def entity(schema: str, name: str) -> object:
    made = model.make_entity(schema)
    made.id = name
    made.add("name", name)
    return made


rows = csv.DictReader(Path(sys.argv[1]).read_text(encoding="utf-8").splitlines())
config = LogicV2.default_config()
scores = [
    LogicV2.compare(entity(row["schema"], row["name1"]), entity(row["schema"], row["name2"]), config).score
    for row in rows
]
print(json.dumps(scores))
