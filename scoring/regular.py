"""Which regular expressions a model may use: what RE2 and Python both read, and read alike, and what RE2 can hold.

RE2 never backtracks, so no pattern is slow; it refuses repetitions above 1,000 and patterns that grow too large.
https://github.com/google/re2/wiki/Syntax
"""

import re
from collections.abc import Iterator

MOST_REPEATS = 1000
MOST_STEPS = 5000
MOST_NESTED = 50

_TOKEN = re.compile(
    r"(?P<escape>\\(?:x[0-9A-Fa-f]{2}|.))"
    r"|(?P<set>\[\^?\]?(?:\\.|\[:\^?[a-z]+:\]|[^\]\\])*\])"
    r"|(?P<flags>\(\?[a-zA-Z-]+\))"
    r"|(?P<open>\((?:\?P<\w+>|\?[a-zA-Z-]*:)?)"
    r"|(?P<close>\))"
    r"|(?P<count>\{(?P<least>[0-9]*)(?P<comma>,?)(?P<most>[0-9]*)\}|[*+?])"
    r"|(?P<atom>.)",
    re.DOTALL,
)
_CLASS = re.compile(r"\[:\^?[a-z]+:\]")
_LACKS = re.compile(r"\(\?(?:[=!]|<[=!])|\\[1-9]|\(\?P=")
_ESCAPES = frozenset("abfnrtvxdDsSwWAB0")
_FLAGS = frozenset("ims-")


def pattern_problems(pattern: str) -> Iterator[str]:
    """Say why a model cannot use a pattern; a pattern that is long or deep is not looked at further."""
    if len(pattern) > MOST_STEPS:
        yield f"is {len(pattern):,} characters long, {MOST_STEPS:,} is the most"
        return
    if _deepest(pattern) > MOST_NESTED:
        yield f"nests more than {MOST_NESTED} groups"
        return
    if _LACKS.search(pattern):
        yield "uses look-around or a back-reference, which RE2 does not have"
        return
    try:
        re.compile(_CLASS.sub("a-z", pattern))  # Python warns of [[:alpha:]], which it does not have
    except (re.error, OverflowError) as error:
        yield f"is not a regular expression: {error}"
        return
    yield from dict.fromkeys(_foreign(pattern))
    yield from _too_large(pattern)


def _deepest(pattern: str) -> int:
    depth = deepest = 0
    for token in _TOKEN.finditer(pattern):
        depth += (token.lastgroup == "open") - (token.lastgroup == "close")
        deepest = max(deepest, depth)
    return deepest


def _foreign(pattern: str) -> Iterator[str]:
    """Name what Python reads and RE2 does not, or reads otherwise."""
    before = ""
    for token in _TOKEN.finditer(pattern):
        text, kind = token[0], token.lastgroup
        if kind == "escape" and text[1].isalnum() and text[1] not in _ESCAPES:
            yield f"uses {text}, which RE2 does not have"
        if kind in ("open", "flags") and not text.startswith("(?P<") and set(text[2:-1]) - _FLAGS:
            yield f"uses {text}, which RE2 does not have"
        if text == "?" and before == "(":
            yield f"uses ({pattern[token.start() : token.start() + 2]}, which RE2 does not have"
        if kind == "count" and text == "+" and before == "count":
            yield "uses a possessive repetition, which RE2 does not have"
        if kind == "count" and not token["least"] and token["most"]:
            yield f"uses {text}, which RE2 takes as text: write {{0,{token['most']}}}"
        before = "(" if text == "(" else kind or ""


def _too_large(pattern: str) -> Iterator[str]:
    """Walk the groups from the inside: the largest product of nested repetitions, and how many steps they unroll to."""
    levels: list[list[tuple[int, int]]] = [[]]
    for token in _TOKEN.finditer(pattern):
        match token.lastgroup:
            case "open":
                levels.append([])
            case "close" if len(levels) > 1:
                inner = levels.pop()
                levels[-1].append((max((most for most, _ in inner), default=1), sum(steps for _, steps in inner)))
            case "count" if levels[-1]:
                times = _times(token)
                most, steps = levels[-1].pop()
                levels[-1].append((most * max(times, 1), steps * max(times, 1)))
            case "flags":
                pass
            case _:
                levels[-1].append((1, 1))
    parts = [part for level in levels for part in level]
    most, steps = max((most for most, _ in parts), default=1), sum(steps for _, steps in parts)
    if most > MOST_REPEATS:
        yield f"repeats something {most:,} times, {MOST_REPEATS:,} is the most"
    elif steps > MOST_STEPS:
        yield f"unrolls to {steps:,} steps, {MOST_STEPS:,} is the most"


def _times(token: re.Match[str]) -> int:
    """Give how often a repetition unrolls what it repeats; one that is open at the top, as often as it must."""
    if token[0] in ("*", "+", "?"):
        return 1
    least = int(token["least"] or 0)
    if not token["comma"]:
        return least
    return int(token["most"]) if token["most"] else least
