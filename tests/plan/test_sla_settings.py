"""What an [[sla]] must say, and what is told where it does not."""

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from connector.errors import ConfigError
from connector.loading import load_parts
from connector.settings.sla import SlaSettings

CONFIG = """
config_version = 1
[crm]
kind = "hubspot"
[[model]]
file = "preset:simple"
[[action]]
band = "hot"
task = { subject = "Call" }
[[sla]]
"""


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"remind_after": "45m"}, "remind_after needs remind"),
        ({"on_breach": ["notify"]}, "notify needs notify"),
        ({"on_breach": ["raise"]}, "raise needs priority, pool or both"),
        ({"remind_after": "60m", "remind": {"channel": "x"}}, "remind_after 60m is not before first_touch 1h"),
        ({"first_touch": "soon"}, "is no duration"),
        ({"remind": {"channel": "x", "text": "{{ nobody }}"}}, "nobody"),
    ],
)
def test_what_does_not_fit_together_is_told(given: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError) as error:
        SlaSettings.model_validate({"band": "hot", **given})
    assert said in str(error.value)


def test_everything_unknown_is_named_at_once(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    unknown = 'band = "hto"\nhours = "office"\npool = "sdr"\npriority = "High"\non_breach = ["raise"]\n'
    path.write_text(CONFIG + unknown + 'remind = { channel = "sales" }\n', encoding="utf-8")
    with pytest.raises(ConfigError) as error:
        load_parts(path)
    told = "\n".join(error.value.problems)
    assert "sla[1].hours: no [[hours]] with id 'office'" in told
    assert "sla[1].pool: no [[pool]] with id 'sdr'" in told
    assert "sla[1].remind.channel: no [[channel]] with id 'sales'" in told


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('band = "cold"', "no [[action]] is for this band"),
        ('band = "hot"\ntouched_by = ["cal"]', "did you mean 'call'?"),
    ],
)
def test_bands_and_kinds_of_touches_must_be_there(tmp_path: Path, line: str, said: str) -> None:
    path = tmp_path / "config.toml"
    path.write_text(CONFIG + line + "\n", encoding="utf-8")
    with pytest.raises(ConfigError) as error:
        load_parts(path)
    assert said in error.value.message
