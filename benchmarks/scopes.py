"""What one look at a variable costs: a scope of 22 layers and 2,000 names, ten of them read, as a task does it.

    python benchmarks/scopes.py

Prints microseconds for making the scope's ten look-ups, the best of several rounds, as one line of JSON.
"""
from __future__ import annotations

import json
import sys
import timeit

from engine.scopes.layers import Layer
from engine.scopes.scope import Scope

NAMES = [f"name_{number}" for number in range(2000)]
LAYERS = tuple((layer, {name: layer.name for name in NAMES[int(layer) :: 22]}) for layer in sorted(Layer, reverse=True))
READ = NAMES[::200]


def look() -> None:
    scope = Scope(LAYERS)
    for name in READ:
        scope.lookup(name)


def main() -> int:
    rounds = timeit.repeat(look, number=2000, repeat=15)
    sys.stdout.write(json.dumps({"lookups": len(READ), "microseconds": round(min(rounds) / 2000 * 1e6, 2)}) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
