"""Lays a catalogue of one's own over the one in the product."""

from collections.abc import Mapping
from typing import Any, Final

from models.catalogue.reader import Mistake
from models.catalogue.suggestion import did_you_mean

OFF = "off"


def merged(base: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    """`own` laid over `base`, mappings merged key by key; a signal set to `off`, false or null is dropped.

    Rates say what currencies are worth in `currency`: those of the base do not hold for another one.
    """
    result = _laid_over(base, own)
    result.pop("base", None)
    if "currency" in own and own["currency"] != base.get("currency"):
        result["rates"] = own.get("rates", {})
    if is_off(result.get("model")):
        result["model"] = False
    if isinstance(result.get("signals"), Mapping):
        result["signals"] = {name: body for name, body in result["signals"].items() if not is_off(body)}
    return result


def is_off(value: Any) -> bool:
    """Whether a value switches off what it stands for."""
    return value is None or value is False or value == OFF


def overlay_mistakes(base: Mapping[str, Any], own: Mapping[str, Any]) -> list[Mistake]:
    """What only both together show: signals dropped that are none, and names of the base mistyped."""
    known, signals = base.get("signals", {}), own.get("signals")
    if not isinstance(signals, Mapping):
        return []
    found = []
    for name, body in signals.items():
        if name in known:
            continue
        question = did_you_mean(str(name), known)
        if is_off(body):
            found.append(
                Mistake(("signals", str(name)), f"drops nothing: the base has no such signal. {question}".strip())
            )
        elif question and isinstance(body, Mapping) and "when" not in body:
            reason = f"is no signal of the base. {question}A signal of your own needs `when` and all the rest."
            found.append(Mistake(("signals", str(name)), reason))
    return found


_AMOUNTS: Final = (("constants", "high_spend"), ("value", "basket"))
"""What the catalogue in the product says in its own currency."""


def amounts_taken_over(base: Mapping[str, Any], own: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Places of amounts that are the base's, though the currency is another one: they now count in that."""
    if own.get("currency", base.get("currency")) == base.get("currency"):
        return []
    return [(room, name) for room, name in _AMOUNTS if name in base.get(room, {}) and name not in own.get(room, {})]


def _laid_over(base: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    result = dict(base)
    for key, value in own.items():
        below = result.get(key)
        result[key] = _laid_over(below, value) if isinstance(below, Mapping) and isinstance(value, Mapping) else value
    return result
