"""What a check measured or expected, in one line for people; the receipt has all of it."""

from __future__ import annotations

from rigfit.core.words import joined, say


def brief(value: object, *, many: int | None = None) -> str:
    """The first figure of each model; of `many` names or more, the first and how many others there are."""
    match value:
        case None:
            return "-"
        case float():
            return f"{value:.3g}"
        case dict():
            nested = any(isinstance(part, dict | list) for part in value.values())
            told = _first if nested else brief
            parts = [joined(" ", (_short(name), told(part, many=many))) for name, part in value.items()]
            if nested or many is None or len(parts) <= many:
                return joined(", ", parts) or "-"
            return say("{first} and {count} more", first=parts[0], count=len(parts) - 1)
        case list() | tuple():
            return joined(", ", (brief(part, many=many) for part in value))
        case _:
            return str(value)


def _first(part: object, *, many: int | None) -> str:
    if isinstance(part, dict):
        figures = [(name, item) for name, item in part.items() if not isinstance(item, list | dict)]
        return next((joined(" ", (name, brief(item, many=many))) for name, item in figures), "-")
    return brief(part, many=many)


def _short(name: str) -> str:
    """`Llama` for LlamaForCausalLM."""
    return name.partition("For")[0]
