"""Regular expressions of RE2 in the words of other families."""

import re

import pytest

from scoring.patterns import Family, rewritten


@pytest.mark.parametrize(
    ("pattern", "postgres", "java"),
    [
        ("^v", "(?i)^v", "(?iud)^v"),
        ("p$", "(?i)p$", r"(?iud)p\z"),
        ("v.x", r"(?i)v[^\n]x", "(?iud)v.x"),
        ("(?s)v.x", "(?i)v.x", "(?iud)v(?s:.)x"),
        ("(?m)^v$", "(?iw)^v$", "(?iudm)^v$"),
        (r"\d+\.\w", r"(?i)[0-9]+\.[A-Za-z0-9_]", r"(?iud)[0-9]+\.[A-Za-z0-9_]"),
        (r"[^\S/]", r"(?i)(?:(?![/]|[^\t\n\f\r\u0020]).)", r"(?iud)(?:(?![/]|[^\t\n\f\r\u0020])(?s:.))"),
        (r"[\W_]", "(?i)(?:[_]|[^A-Za-z0-9_])", "(?iud)(?:[_]|[^A-Za-z0-9_])"),
        ("[a&&b[]", r"(?i)[a\&\&b\[]", r"(?iud)[a\&\&b\[]"),
        ("[[:alpha:]-]", "(?i)[A-Za-z-]", "(?iud)[A-Za-z-]"),
        ("(?P<word>a|b)(?:c)(?i:d)", "(?i)(a|b)(?:c)(?:d)", "(?iud)(a|b)(?:c)(?:d)"),
        (r"\x41\x{20AC}", r"(?i)\u0041\u20ac", r"(?iud)\u0041\u20ac"),
        ("a{2,3}{", r"(?i)a{2,3}\{", r"(?iud)a{2,3}\{"),
        ("größe", "(?i)größe", "(?iud)größe"),
    ],
)
def test_what_is_said_otherwise(pattern: str, postgres: str, java: str) -> None:
    assert (rewritten(pattern, "postgres"), rewritten(pattern, "java")) == (postgres, java)


def test_a_boundary_stands_between_ascii_words() -> None:
    boundary = rewritten(r"\b", "java").removeprefix("(?iud)")
    assert [match.start() for match in re.finditer(boundary, "ab größe")] == [0, 2, 3, 5, 7, 8]


@pytest.mark.parametrize("family", ["postgres", "java"])
@pytest.mark.parametrize("pattern", ["a(?s:.)b", r"\pL", r"\Qx\E", "[[:nothing:]]", "a{1001}"])
def test_what_cannot_be_said_is_refused(pattern: str, family: Family) -> None:
    with pytest.raises(ValueError, match="'"):
        rewritten(pattern, family)
