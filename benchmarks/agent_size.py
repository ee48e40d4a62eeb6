"""How much is sent to a target: the first stage, the core, what every call needs, and each module on top.

    python benchmarks/agent_size.py
"""
from __future__ import annotations

from engine.agent import stage0, wire
from engine.connections import shipping


def main() -> None:
    print(f"{'first stage':<40}{len(stage0.line(len(shipping.core()))):>8} characters (limit {stage0.LIMIT})")
    print(f"{'core':<40}{len(shipping.core()):>8} bytes (limit {12 * 1024})")
    work = shipping.closure(shipping.WORK)
    print(f"{'with the first call':<40}{sent(work):>8} bytes")
    for path in sorted((shipping.ROOT / "modules" / "builtin").glob("[a-z]*.py")):
        name = f"engine.modules.builtin.{path.stem}"
        more = tuple(each for each in shipping.closure(name) if each not in work)
        print(f"{'  ' + path.stem:<40}{sent(more):>8} bytes, {len(more)} files")


def sent(names: tuple[str, ...]) -> int:
    return len(shipping.packed(names)) - wire.HEADER.size


if __name__ == "__main__":
    main()
