"""Words leave as they are: nothing that a person typed or a table is called is taken for markup."""

import pytest
from rich.text import Text

from connector.output import Output, table

TYPED = "[create] of [bold]Ann[/bold] :smile: [link=https://x.example]here[/link]"


def test_words_are_printed_as_they_are(capsys: pytest.CaptureFixture[str]) -> None:
    out = Output()
    out.result({}, [TYPED, Text(TYPED), table(TYPED, (TYPED,), [(TYPED,)])])
    out.say(TYPED)
    out.problem(TYPED)
    told = capsys.readouterr()
    assert [line.rstrip() for line in told.out.splitlines()] == [TYPED] * 5
    assert [line.rstrip() for line in told.err.splitlines()] == [TYPED, f"error: {TYPED}"]
