"""Cut a query into tokens."""

import re
from dataclasses import dataclass

from connector.sandbox.salesforce.errors import malformed, pointing

PATTERN = re.compile(
    r"(?P<space>\s+)"
    r"|(?P<string>'(?:\\.|[^'\\])*')"
    r"|(?P<datetime>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:?\d\d))"
    r"|(?P<date>\d{4}-\d\d-\d\d)(?![\w.:-])"
    r"|(?P<number>[+-]?(?:\d+\.?\d*|\.\d+))(?![\w.-])"
    r"|(?P<name>[A-Za-z]\w*(?:\s*\.\s*[A-Za-z]\w*)*)"
    r"|(?P<symbol><=|>=|!=|<>|[=<>(),:])",
    re.ASCII | re.DOTALL,
)
ESCAPES = {"n": "\n", "N": "\n", "r": "\r", "R": "\r", "t": "\t", "T": "\t", "b": "\b", "B": "\b", "f": "\f", "F": "\f"}
ESCAPES |= {'"': '"', "'": "'", "\\": "\\"}


@dataclass(frozen=True)
class Token:
    """Hold one token; kind is a group name of PATTERN, or `end`."""

    kind: str
    text: str
    position: int

    def is_word(self, *words: str) -> bool:
        """Tell whether it is one of the keywords, letter case ignored."""
        return self.kind == "name" and self.text.upper() in words

    def is_symbol(self, *symbols: str) -> bool:
        """Tell whether it is one of the symbols."""
        return self.kind == "symbol" and self.text in symbols


def tokenize(query: str) -> list[Token]:
    """Give the tokens and a closing `end`; raises CrmError where no token fits."""
    tokens, position = [], 0
    while position < len(query):
        match = PATTERN.match(query, position)
        if match is None:
            raise pointing(query, position, "MALFORMED_QUERY", f"unexpected token: '{query[position]}'")
        if match.lastgroup is not None and match.lastgroup != "space":
            tokens.append(Token(match.lastgroup, match.group(), position))
        position = match.end()
    return [*tokens, Token("end", "<EOF>", len(query))]


def unescape(inner: str, *, for_like: bool = False) -> str:
    r"""Read the text between quotes; for_like keeps `\_` and `\%`, and doubles a backslash, for SQL's ESCAPE '\'."""
    parts, position = [], 0
    while position < len(inner):
        letter = inner[position]
        if letter != "\\":
            parts.append(letter)
            position += 1
            continue
        text, used = _escape(inner[position + 1 : position + 6], for_like)
        parts.append(text)
        position += 1 + used
    return "".join(parts)


def _escape(rest: str, for_like: bool) -> tuple[str, int]:
    letter = rest[:1]
    if letter in ("_", "%"):
        return ("\\" + letter if for_like else letter), 1
    if letter == "\\" and for_like:
        return "\\\\", 1
    if letter in ("u", "U") and re.fullmatch("[0-9A-Fa-f]{4}", rest[1:5]):
        return chr(int(rest[1:5], 16)), 5
    if letter in ESCAPES:
        return ESCAPES[letter], 1
    raise malformed(f"Illegal character sequence '\\{letter}' in string literal")
