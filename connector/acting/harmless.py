"""Text of the CRM in messages to people: whoever fills in a form must not be able to format, mention or mislead."""

import re
from typing import Final

from connector.acting.safe_text import safe_text

LONGEST: Final = 300
_MENTION: Final = re.compile(r"(?<![\w.+-])@(?=\w)")  # not the one of an e-mail address
_MARKS: Final = str.maketrans({"<": "‹", ">": "›", "`": "'", "*": "∗", "[": "(", "]": ")"})


def harmless(text: str) -> str:
    """Give one line that no channel takes for a mention, a link or a mark, and that shows all it holds.

    Slack mentions are `<!channel>` and `<@U1>`, those of others `@everyone`; Markdown links are `[..](..)`. HTML is
    Apprise's to escape, as it alone knows what a channel is sent.
    """
    flat = " ".join(safe_text(text).translate(_MARKS).replace("://", ": //").split())
    shown = _MENTION.sub("＠", flat)
    return shown if len(shown) <= LONGEST else shown[: LONGEST - 1].rstrip() + "…"
