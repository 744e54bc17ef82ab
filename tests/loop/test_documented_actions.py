"""The configuration of docs/actions.md runs as it stands there."""

import re
from pathlib import Path

import pytest

from tests.loop.channels import listening
from tests.loop.loops import CHIEF, CLERK, Loop, add_model
from tests.loop.test_account_models import ACCOUNTS
from tests.loop.test_incremental_pull import add_call

PAGE = Path(__file__).resolve().parents[2] / "docs" / "actions.md"


def documented() -> str:
    """Take the configuration out of the page."""
    found = re.search(r"## A configuration\n```toml\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert found is not None
    return found[1]


def test_the_configuration_of_the_page_does_what_the_page_says(fresh: Loop, monkeypatch: pytest.MonkeyPatch) -> None:
    add_model(fresh.config, "accounts.toml", ACCOUNTS)
    text = fresh.config.read_text(encoding="utf-8")
    pool = text.split("[[pool]]")[1].split('id = "')[1].split('"')[0]
    without = re.sub(r"\[\[action\]\].*?(?=\[\[pool\]\])", "", text, flags=re.DOTALL)
    assert "[[action]]" not in without
    fresh.config.write_text(f"{without}\n{documented()}".replace('"sdr"', f'"{pool}"'), encoding="utf-8")
    fresh.retitle("p03", CLERK)
    with listening() as channel:
        monkeypatch.setenv("LEADLIGHT_CHANNEL__SALES__URL", channel.url)
        fresh.sync()
        assert (fresh.tasks(), channel.posts) == ([], [])
        add_call(fresh, fresh.people()["p15"]["id"])
        fresh.retitle("p20", CHIEF)
        fresh.retitle("p03", CHIEF)
        fresh.sync()
        subjects = sorted(task["fields"][fresh.words.subject].split(" ")[0] for task in fresh.tasks())
        assert subjects == ["Acme:", "Call", "Call", "Ring"]
        assert len(channel.posts) == 2
        fresh.advance(60)
        fresh.sync()
        fresh.advance(60)
        mark = fresh.mark()
        fresh.sync()
        assert fresh.writes(mark) == []
        assert len(channel.posts) == 2
