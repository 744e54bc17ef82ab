"""How words are compared: without case, accents and punctuation."""

import re
import unicodedata
from typing import Final

_WORDS: Final = re.compile(r"[a-z0-9]+")
# Letters that Unicode does not take apart, as people write them who lack the key.
_LETTERS: Final = str.maketrans({"æ": "ae", "ø": "o", "œ": "oe", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "ı": "i"})
_UMLAUTS: Final = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "å": "aa", "ø": "oe"})


def fold(text: str) -> str:
    """Lower the case, drop accents and punctuation, and collapse white space.

    >>> fold("  Société  Générale, S.A. "), fold("Mærsk & Søn")
    ('societe generale s a', 'maersk son')
    """
    if text.isascii():
        return " ".join(_WORDS.findall(text.lower()))
    plain = _plain(_plain(text)).translate(_LETTERS)
    letters = "".join(c if c.isalnum() else " " for c in plain if not unicodedata.combining(c))
    return " ".join(letters.split())


def spell_out(text: str) -> str:
    """Write umlauts as two letters, as German and Danish keyboards' strangers do: Müller, Mueller."""
    return unicodedata.normalize("NFC", text).casefold().translate(_UMLAUTS)


def _plain(text: str) -> str:
    """Bring text to Unicode's own form for comparing without case; what comes apart may have a case of its own."""
    return unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold())


__all__ = ["fold", "spell_out"]
