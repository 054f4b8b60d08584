"""Compares two files of customers, as `customer --all` and `replay --states` write them; knows nothing of the product.

  python tests/tools/compare_states.py found.jsonl expected.jsonl

Exit code 0: equal; 1: they differ.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

SHOWN = 5
"""Customers that are printed in full."""


def read(path: str) -> dict[str, Any]:
    """The customers of a file by their id."""
    lines = Path(path).read_text().splitlines()
    states = {state["customer_id"]: state for state in map(json.loads, lines)}
    if len(states) != len(lines):
        raise SystemExit(f"{path}: {len(lines) - len(states)} customers are there twice")
    return states


def differences(found: Any, expected: Any, path: str = "") -> list[str]:
    """The places where two values differ."""
    if isinstance(found, dict) and isinstance(expected, dict):
        keys = sorted(found.keys() | expected.keys())
        return [text for key in keys for text in differences(found.get(key), expected.get(key), f"{path}.{key}")]
    return [] if found == expected else [f"{path[1:]}: found {found!r}, expected {expected!r}"]


def main() -> int:
    """Compare the two files named."""
    if len(sys.argv) != 3:
        raise SystemExit(__doc__)
    found, expected = read(sys.argv[1]), read(sys.argv[2])
    missing, unknown = sorted(expected.keys() - found.keys()), sorted(found.keys() - expected.keys())
    other = sorted(key for key in found.keys() & expected.keys() if found[key] != expected[key])
    print(
        f"{len(expected)} customers expected, {len(found)} found: "
        f"{len(other)} differ, {len(missing)} missing, {len(unknown)} unknown"
    )
    for key in other[:SHOWN]:
        print(f"  {key}: " + "; ".join(differences(found[key], expected[key])[:SHOWN]))
    for kind, keys in (("missing", missing), ("unknown", unknown)):
        print(*(f"  {kind}: {key}" for key in keys[:SHOWN]), sep="\n", end="\n" if keys else "")
    return 1 if other or missing or unknown else 0


if __name__ == "__main__":
    sys.exit(main())
