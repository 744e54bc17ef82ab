"""Text of the CRM that is safe to show: what a stranger typed into a form ends up in a task that a person reads."""

import re
import unicodedata
from typing import Final

# Characters that turn the direction of what follows, so that a text reads as another than it is (Unicode TR 36, 3.2).
_BIDI: Final = "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"
# Invisible ones that no language needs: zero-width space and joiners of words, byte order marks, tag characters. The
# zero-width joiner and non-joiner stay: Persian, Hindi and family emoji are written with them.
_INVISIBLE: Final = "\u00ad\u200b\u2060-\u2064\ufeff\ufff9-\ufffb\U000e0000-\U000e007f"
_DROPPED = re.compile(f"[{_BIDI}{_INVISIBLE}]")
_BREAKS = re.compile("\r\n|[\r\v\f\u0085\u2028\u2029]")


def safe_text(text: str) -> str:
    """Take out what does not show: control, direction and invisible characters; all line breaks become newlines."""
    lined = _BREAKS.sub("\n", _DROPPED.sub("", text))
    return "".join(sign if _shows(sign) else " " for sign in lined)


def _shows(sign: str) -> bool:
    return sign == "\n" or unicodedata.category(sign) not in ("Cc", "Cs")
