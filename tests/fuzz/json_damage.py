"""Damages JSON as a tree, so that it stays JSON and the reader behind the parser is reached. Pure for a generator."""

import copy
import json
import random
from typing import Any

from tests.fuzz.mutation import mutated

BLIND_CHANCE = 0.2
MOST_STEPS = 3
VALUES: tuple[Any, ...] = (
    None, True, 0, -1, 1, 2**53, 2**64, -(2**63) - 1, 1.5, "", "x", "../x", "\u202e", "名" * 300, [], {}, [[]], {"": 0},
    "AAAA", "====", "a" * 5000,
)  # fmt: skip


def json_damaged(rng: random.Random, seeds: tuple[bytes, ...]) -> bytes:
    """Return a seed with values exchanged, dropped, doubled or swapped; at times blindly damaged."""
    if rng.random() < BLIND_CHANCE:
        return mutated(rng, seeds)
    root = json.loads(rng.choice(seeds))
    for _ in range(rng.randint(1, MOST_STEPS)):
        places = list(_places(root))
        if not places:
            break
        holder, key = rng.choice(places)
        match rng.randrange(5):
            case 0:
                del holder[key]
            case 1 if isinstance(holder, list):
                holder.extend(copy.deepcopy(holder[key]) for _ in range(rng.choice((1, 50))))
            case 2:
                other, name = rng.choice(places)
                holder[key] = json.loads(json.dumps(other[name]))
            case 3 if isinstance(holder, dict):
                holder[f"{key}x"] = holder.pop(key)
            case _:
                holder[key] = copy.deepcopy(rng.choice(VALUES))
    return json.dumps(root, ensure_ascii=rng.random() < 0.5, separators=(",", ":")).encode("utf-8", "surrogatepass")


def _places(node: Any) -> Any:
    items = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, value in list(items):
        yield node, key
        yield from _places(value)
