"""Regular expressions of the RE2 family, written for engines that read another family.

Models say `matches` in RE2's words (https://github.com/google/re2/wiki/Syntax), where `.` and `$` never see a line end
and the classes `\\d`, `\\w`, `\\s` and the boundary `\\b` are those of ASCII.
PostgreSQL: https://www.postgresql.org/docs/15/functions-matching.html#POSIX-SYNTAX-DETAILS.
Java, which Spark uses: https://docs.oracle.com/en/java/javase/17/docs/api/java.base/java/util/regex/Pattern.html.
"""

import re
from collections.abc import Iterator
from typing import Final, Literal

Family = Literal["postgres", "java"]

_TOKEN: Final = re.compile(
    r"(?P<escape>\\(?:x[0-9A-Fa-f]{2}|x\{[0-9A-Fa-f]{1,6}\}|.))"
    r"|(?P<set>\[\^?\]?(?:\\.|\[:\^?[a-z]+:\]|[^\]\\])*\])"
    r"|(?P<name>\(\?P?<[^>=!]+>)"
    r"|(?P<option>\(\?[^:)]*[:)])"
    r"|(?P<count>\{\d+(?:,\d*)?\})"
    r"|(?P<other>.)",
    re.DOTALL,
)
_ITEM: Final = re.compile(
    r"(?P<escape>\\(?:x[0-9A-Fa-f]{2}|x\{[0-9A-Fa-f]{1,6}\}|.))|(?P<named>\[:\^?[a-z]+:\])|(?P<one>.)", re.DOTALL
)
_CLASSES: Final = {"d": "0-9", "w": "A-Za-z0-9_", "s": "\\t\\n\\f\\r\\u0020"}
_NAMED: Final = {
    "alnum": "0-9A-Za-z",
    "alpha": "A-Za-z",
    "ascii": "\\u0001-\\u007f",
    "blank": "\\t\\u0020",
    "cntrl": "\\u0001-\\u001f\\u007f",
    "digit": "0-9",
    "graph": "!-~",
    "lower": "a-z",
    "print": "\\u0020-~",
    "punct": "!-/:-@\\[-`{-~",
    "space": "\\u0009-\\u000d\\u0020",
    "upper": "A-Z",
    "word": "A-Za-z0-9_",
    "xdigit": "0-9A-Fa-f",
}
_CONTROLS: Final = {"a": "\\u0007", "f": "\\f", "n": "\\n", "r": "\\r", "t": "\\t", "v": "\\u000b"}
_WORD: Final = "[A-Za-z0-9_]"
_BOUNDARY: Final = f"(?:(?<={_WORD})(?!{_WORD})|(?<!{_WORD})(?={_WORD}))"
_NO_BOUNDARY: Final = f"(?:(?<={_WORD})(?={_WORD})|(?<!{_WORD})(?!{_WORD}))"
_MOST_REPEATS: Final = {"postgres": 255, "java": 1000}


def rewritten(pattern: str, family: Family) -> str:
    """Write a pattern, which ignores case, for another family; raises ValueError for what that family cannot say."""
    leading = re.match(r"\(\?([ims]+)\)", pattern)
    flags = set(leading[1]) if leading else set()
    body = pattern[leading.end() :] if leading else pattern
    prefix = f"(?i{'w' if 'm' in flags else ''})" if family == "postgres" else f"(?iud{'m' if 'm' in flags else ''})"
    return prefix + "".join(_tokens(body, flags, family))


def _tokens(body: str, flags: set[str], family: Family) -> Iterator[str]:
    for match in _TOKEN.finditer(body):
        said = match[0]
        match match.lastgroup:
            case "escape":
                yield _escape(said, family)
            case "set":
                yield _set(said, family)
            case "name":
                yield "("
            case "option":
                yield _option(said)
            case "count":
                yield _count(said, family)
            case _:
                yield _other(said, flags, family)


def _escape(said: str, family: Family) -> str:
    letter = said[1]
    places = {"b": _BOUNDARY, "B": _NO_BOUNDARY, "A": "\\A", "z": "\\Z" if family == "postgres" else "\\z"}
    if letter in places:
        return places[letter]
    if letter.lower() in _CLASSES:
        return f"[{'' if letter.islower() else '^'}{_CLASSES[letter.lower()]}]"
    return _character(said, family)


def _character(said: str, family: Family) -> str:
    letter = said[1]
    if letter == "x":
        return _code(int(said[2:].strip("{}"), 16), family)
    if letter in _CONTROLS:
        return _CONTROLS[letter]
    if letter.isascii() and letter.isalnum():
        raise ValueError(f"'{said}' has no counterpart there")
    return said if letter.isascii() else letter


def _code(code: int, family: Family) -> str:
    if code <= 0xFFFF:
        return f"\\u{code:04x}"
    return f"\\U{code:08x}" if family == "postgres" else f"\\x{{{code:x}}}"


def _option(said: str) -> str:
    if said in ("(?:", "(?i:"):
        return "(?:"
    raise ValueError(f"'{said}' stands inside; options can stand at the start alone")


def _count(said: str, family: Family) -> str:
    most = max(int(part) for part in said.strip("{}").split(",") if part)
    if most > _MOST_REPEATS[family]:
        raise ValueError(f"'{said}' repeats more than {_MOST_REPEATS[family]} times")
    return said


def _other(said: str, flags: set[str], family: Family) -> str:
    if said == "." and family == "postgres":
        return "." if "s" in flags else "[^\\n]"
    if said == "." and "s" in flags:
        return "(?s:.)"
    if said == "$" and family == "java" and "m" not in flags:
        return "\\z"
    return f"\\{said}" if said in "{}[]" else said


def _set(said: str, family: Family) -> str:
    """Write a set; one that holds the opposite of a class becomes an alternation, which every family has."""
    negated = said.startswith("[^")
    plain, opposites = "", []
    for match in _ITEM.finditer(said[2 if negated else 1 : -1]):
        item = match[0]
        if match.lastgroup == "named":
            members = _named(item)
            plain += "" if "^" in item else members
            opposites += [f"[^{members}]"] if "^" in item else []
        elif match.lastgroup == "escape" and item[1] in "DWS":
            opposites.append(f"[^{_CLASSES[item[1].lower()]}]")
        elif match.lastgroup == "escape":
            plain += _CLASSES.get(item[1]) or _character(item, family)
        else:
            plain += f"\\{item}" if item in "[]&^" else item
    if not opposites:
        return f"[{'^' if negated else ''}{plain}]"
    either = "|".join([*([f"[{plain}]"] if plain else []), *opposites])
    anything = "." if family == "postgres" else "(?s:.)"
    return f"(?:(?!{either}){anything})" if negated else f"(?:{either})"


def _named(item: str) -> str:
    name = item.strip("[]:^")
    if name not in _NAMED:
        raise ValueError(f"'{item}' is no class of characters")
    return _NAMED[name]
