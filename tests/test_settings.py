"""One file, all its problems at once, and never a secret in what is said."""

import json
from pathlib import Path

import pytest

from connector.errors import ConfigError
from connector.settings.file import Settings, example, load_settings
from connector.settings.routing import members

ROOT = Path(__file__).resolve().parents[1]
MINIMAL = """
config_version = 1
[crm]
kind = "salesforce"
instance_url = "https://acme.my.salesforce.com"
[[model]]
file = "preset:simple"
"""
SECRET = "hush-hush-hush"


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)


def write(folder: Path, text: str, mode: int = 0o644) -> Path:
    path = folder / "config.toml"
    path.write_text(text, encoding="utf-8")
    path.chmod(mode)
    return path


def load(folder: Path, text: str = MINIMAL) -> Settings:
    return load_settings(write(folder, text))


def problems(folder: Path, text: str, mode: int = 0o644) -> tuple[str, ...]:
    with pytest.raises(ConfigError) as caught:
        load_settings(write(folder, text, mode))
    return caught.value.problems


def test_the_example_file_is_the_rendered_documentation() -> None:
    assert (ROOT / "config.example.toml").read_text(encoding="utf-8") == example()


def test_the_example_loads_as_it_stands(tmp_path: Path) -> None:
    settings = load(tmp_path, example())
    assert settings.action[0].owner is not None
    assert settings.action[0].owner.pool == settings.pool[0].id
    assert settings.schedule.sync == "*/5 * * * *"


def test_every_field_is_described(tmp_path: Path) -> None:
    commented = [line for line in example().splitlines() if line.startswith("# ")]
    assert len(commented) > 30
    assert "None" not in example()


def test_defaults_and_relative_paths(tmp_path: Path) -> None:
    settings = load(tmp_path)
    assert settings.store.path == tmp_path / "leadlight-store"
    assert settings.crm.mapping == "salesforce"
    assert settings.crm.auth == "client_credentials"
    assert settings.limits.daily_api_share == 0.3


def test_hubspot_needs_no_address(tmp_path: Path) -> None:
    text = MINIMAL.replace('kind = "salesforce"\ninstance_url = "https://acme.my.salesforce.com"', 'kind = "hubspot"')
    settings = load(tmp_path, text)
    assert (settings.crm.instance_url, settings.crm.auth) == ("https://api.hubapi.com", "token")
    assert settings.crm.mapping == "hubspot"


def test_hubspot_has_one_way_in(tmp_path: Path) -> None:
    text = MINIMAL.replace('kind = "salesforce"', 'kind = "hubspot"\nauth = "jwt"')
    assert problems(tmp_path, text) == ("config.toml: crm.auth: HubSpot knows 'token' alone, not 'jwt'",)


def test_own_files_are_found_beside_the_configuration(tmp_path: Path) -> None:
    (tmp_path / "models").mkdir()
    for name in ("models/new.toml", "map.toml", "ca.pem"):
        (tmp_path / name).touch()
    text = MINIMAL.replace("preset:simple", "models/new.toml")
    text = text.replace("[[model]]", 'mapping = "map.toml"\nca_file = "ca.pem"\n[[model]]')
    settings = load(tmp_path, text)
    assert settings.model[0].file == str(tmp_path / "models" / "new.toml")
    assert settings.crm.mapping == str(tmp_path / "map.toml")
    assert settings.crm.ca_file == tmp_path / "ca.pem"


def test_all_problems_are_told_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEADLIGHT_CRM__TOKNE", "x")
    text = """
config_version = 1
[crm]
kind = "salesfroce"
instance_url = "http://acme.my.salesforce.com"
ca_file = "absent.pem"
[store]
pth = "x"
[[model]]
file = "models/absent.toml"
[[action]]
band = "hot"
owner = { pool = "sdr", strategy = "round_robbin" }
task = { subject = "{{ nam }}", due = "soon" }
[schedule]
sync = "0 6 * * 0"
timezone = "Mars/Olympus"
[limits]
daily_api_share = 3
"""
    found = "\n".join(problems(tmp_path, text))
    for expected in (
        "environment: LEADLIGHT_CRM__TOKNE: no such setting, did you mean 'LEADLIGHT_CRM__TOKEN'?",
        "config.toml: crm.kind: 'salesfroce' is not one of 'salesforce' or 'hubspot', did you mean 'salesforce'?",
        "config.toml: crm.instance_url: 'http://acme.my.salesforce.com' is not an address",
        "config.toml: crm.ca_file: ",
        "config.toml: store.pth: unknown key, did you mean 'path'?",
        "config.toml: model[1].file: ",
        "config.toml: action[1].owner.strategy: 'round_robbin' is not one of",
        "config.toml: action[1].owner.pool: no [[pool]] with id 'sdr'",
        "config.toml: action[1].task.subject: ",
        "config.toml: action[1].task.due: 'soon' is no duration",
        "config.toml: schedule.sync: '0 6 * * 0' numbers its weekday",
        "config.toml: schedule.timezone: 'Mars/Olympus'",
        "config.toml: limits.daily_api_share: input should be less than or equal to 1, it is 3",
    ):
        assert expected in found
    assert len(found.splitlines()) == 13


def test_pools_are_checked_against_actions(tmp_path: Path) -> None:
    action = '[[action]]\nband = "hot"\nowner = { pool = "sdrs" }\n[[action]]\nband = "warm"\n'
    pool = '[[pool]]\nid = "sdr"\nowners = ["a@x.com"]\n'
    assert problems(tmp_path, MINIMAL + action + pool) == (
        "config.toml: action[1].owner.pool: no [[pool]] with id 'sdrs', did you mean 'sdr'?",
        "config.toml: action[2]: does nothing; name one of owner, task, notify, add_to, nurture, lifecycle",
    )
    assert problems(tmp_path, MINIMAL + pool + pool) == ("config.toml: pool: id 'sdr' occurs more than once",)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("config_version = 2\n", "is 2, this program reads 1"),
        ("", "config_version: is missing"),
        ("config_version = 1\nunknown = 3\n", "unknown: unknown key"),
        ("config_version = 1\ncrm = 3\n", "crm: is not a table"),
        ("config_version = 1\nmodel = []\n", "model: is empty"),
        ("[train]\nauto_publish = true\n", "auto_publish: needs a bound, such as { max_band_moves_share = 0.05 }"),
        ("[train]\nauto_publish = { max_band_moves_share = 2 }\n", "auto_publish.max_band_moves_share: "),
    ],
)
def test_wrong_shapes(tmp_path: Path, text: str, expected: str) -> None:
    assert expected in "\n".join(problems(tmp_path, text))


def test_a_file_that_is_no_configuration(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"absent.toml: no such file"):
        load_settings(tmp_path / "absent.toml")
    with pytest.raises(ConfigError, match="cannot be read"):
        load_settings(tmp_path)
    assert "is not TOML" in problems(tmp_path, "a = = 1")[0]
    (tmp_path / "config.toml").write_bytes(b"\xff")
    with pytest.raises(ConfigError, match="not UTF-8"):
        load_settings(tmp_path / "config.toml")


def test_the_environment_wins_and_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEADLIGHT_LIMITS__MIN_POPULATION", "7")
    monkeypatch.setenv("LEADLIGHT_STORE__PATH", "elsewhere")
    monkeypatch.setenv("LEADLIGHT_CRM__TOKEN", SECRET)
    monkeypatch.setenv("LEADLIGHT_MODEL", '[{"file": "preset:b2b_saas"}]')
    monkeypatch.setenv("LEADLIGHT_CONFIG", "what the command line reads")
    settings = load(tmp_path)
    assert settings.limits.min_population == 7
    assert settings.store.path == tmp_path / "elsewhere"
    assert settings.model[0].file == "preset:b2b_saas"
    assert settings.crm.secrets() == [SECRET]
    assert SECRET not in repr(settings)
    monkeypatch.setenv("LEADLIGHT_LIMITS__MIN_POPULATION", "many")
    assert problems(tmp_path, MINIMAL) == ("environment: LEADLIGHT_LIMITS__MIN_POPULATION: is not a whole number",)


def test_a_table_in_the_environment_is_json(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEADLIGHT_POOL", "sdr")
    found = problems(tmp_path, MINIMAL)
    assert len(found) == 1
    assert "written as JSON" in found[0]


def test_secrets_come_from_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "secret").write_text(f"{SECRET}\n", encoding="utf-8")
    monkeypatch.setenv("LEADLIGHT_CRM__CLIENT_SECRET_FILE", str(tmp_path / "secret"))
    credentials = tmp_path / "credentials"
    credentials.mkdir()
    (credentials / "crm_token").write_text("another-one", encoding="utf-8")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(credentials))
    assert load(tmp_path).crm.secrets() == [SECRET, "another-one"]


def test_secret_files_that_cannot_be_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEADLIGHT_CRM__TOKEN_FILE", str(tmp_path / "absent"))
    monkeypatch.setenv("LEADLIGHT_CRM__TOKEN", SECRET)
    found = problems(tmp_path, MINIMAL)
    assert "LEADLIGHT_CRM__TOKEN and LEADLIGHT_CRM__TOKEN_FILE are both set" in found[0]
    assert "cannot be read" in found[1]
    assert SECRET not in "".join(found)


def test_a_secret_in_the_file_needs_a_private_file(tmp_path: Path) -> None:
    text = MINIMAL.replace("[[model]]", f'token = "{SECRET}"\n[[model]]')
    assert load_settings(write(tmp_path, text, 0o600)).crm.secrets() == [SECRET]
    (problem,) = problems(tmp_path, text, 0o640)
    assert "crm.token: a secret in a file that others can read (mode 0640)" in problem
    assert SECRET not in problem


@pytest.mark.fault("I10")
def test_a_wrong_secret_is_never_shown(tmp_path: Path) -> None:
    text = MINIMAL.replace("[[model]]", f'token = ["{SECRET}"]\n[[model]]')
    found = problems(tmp_path, text, 0o600)
    assert "crm.token" in found[0]
    assert SECRET not in "".join(found)


def test_a_file_that_everybody_may_write(tmp_path: Path) -> None:
    assert "everybody may write" in problems(tmp_path, MINIMAL, 0o666)[0]


def test_missing_credentials_are_named_together(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        load(tmp_path).crm.require_credentials()
    assert [problem.split(":")[0] for problem in caught.value.problems] == ["crm.client_id", "crm.client_secret"]
    assert "LEADLIGHT_CRM__CLIENT_SECRET_FILE" in caught.value.problems[1]


@pytest.mark.fault("F32")
@pytest.mark.parametrize(
    "url", ["ftp://x", "https://", "https://x/path", "https://me@x", "https://x?a=1", "acme", "http://10.0.0.1"]
)
def test_addresses_that_credentials_are_not_sent_to(tmp_path: Path, url: str) -> None:
    text = MINIMAL.replace("https://acme.my.salesforce.com", url)
    assert "crm.instance_url" in problems(tmp_path, text)[0]


def test_the_hash_follows_what_a_run_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = load(tmp_path).hash
    assert len(first) == 12
    monkeypatch.setenv("LEADLIGHT_CRM__TOKEN", SECRET)
    monkeypatch.setenv("LEADLIGHT_LOG__LEVEL", "debug")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    assert load(elsewhere).hash == first
    monkeypatch.setenv("LEADLIGHT_LIMITS__MAX_CHANGED_SHARE", "0.4")
    assert load(tmp_path).hash != first


def test_the_hash_follows_an_own_mapping(tmp_path: Path) -> None:
    text = MINIMAL.replace("[[model]]", 'mapping = "map.toml"\n[[model]]')
    (tmp_path / "map.toml").write_text("a = 1", encoding="utf-8")
    first = load(tmp_path, text).hash
    (tmp_path / "map.toml").write_text("a = 2", encoding="utf-8")
    assert load(tmp_path, text).hash != first


def test_settings_do_not_change_and_dump_no_secret(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEADLIGHT_CRM__TOKEN", SECRET)
    settings = load(tmp_path)
    assert SECRET not in json.dumps(settings.model_dump(mode="json"))
    with pytest.raises(ValueError, match="frozen"):
        settings.store = settings.store


def test_rules_and_pools_are_held_against_each_other(tmp_path: Path) -> None:
    text = """
[[action]]
band = "hot"
owner = { pool = "sdr", route = true }
[[route]]
id = "first"
band = "hot"
when = { field = "country", iss = "DE" }
to = { pool = "sdrs" }
[[route]]
id = "all"
to = { pool = "sdr" }
[[route]]
id = "late"
to = { user = "a@x.com", queue = "Inbound" }
[[pool]]
id = "sdr"
when_nobody = { pool = "ae" }
owners = [{ owner = "a@x.com", wieght = 2, away = ["2026-08-21/2026-08-03"], hours = "berlin" }]
[[pool]]
id = "ae"
when_nobody = { pool = "sdr" }
owners = ["b@x.com", { owner = "c@x.com", weight = 0, away = ["soon"] }]
[[hours]]
id = "berlinn"
"""
    assert problems(tmp_path, MINIMAL + text) == (
        "config.toml: route[1].to.pool: no [[pool]] with id 'sdrs', did you mean 'sdr'?",
        "config.toml: pool[1].owners[1].hours: no [[hours]] with id 'berlin', did you mean 'berlinn'?",
        "config.toml: route[3]: is never reached, for 'all' before it takes everything; move it up",
        "config.toml: pool.sdr.when_nobody: goes in a circle: sdr -> ae -> sdr; end it with hold or a queue",
        "config.toml: action[1].owner: names both a pool and route",
        "config.toml: route[1].when: iss: unknown key 'iss', did you mean 'is'?",
        "config.toml: route[3].to: names user and queue; write exactly one of pool, user, queue, account_owner",
        "config.toml: pool[1].owners[1].away: '2026-08-21/2026-08-03' ends before it begins",
        "config.toml: pool[1].owners[1].wieght: unknown key, did you mean 'weight'?",
        "config.toml: pool[2].owners[2].weight: input should be greater than or equal to 1, it is 0",
        "config.toml: pool[2].owners[2].away: 'soon' is no range of days; write 2026-08-03/2026-08-21, or one day",
    )


def test_an_action_by_rules_needs_rules(tmp_path: Path) -> None:
    action = '[[action]]\nband = "hot"\nowner = { route = true }\n'
    assert problems(tmp_path, MINIMAL + action) == (
        "config.toml: action[1].owner.route: there is no [[route]]; add one, or name a pool",
    )


def test_routing_reads_as_it_is_written(tmp_path: Path) -> None:
    text = """
[[route]]
id = "own"
band = "hot"
to = "account_owner"
[[route]]
id = "all"
to = { queue = "Inbound" }
[[pool]]
id = "sdr"
cap_day = 9
when_nobody = "hold"
owners = ["a@x.com", { owner = "b@x.com", cap_day = 3 }]
"""
    settings = load(tmp_path, MINIMAL + text)
    own, everybody = settings.route
    assert (own.to.account_owner, own.band, own.catches_all, everybody.catches_all) == (True, ("hot",), False, True)
    assert settings.pool[0].when_nobody is None
    assert [member.cap_day for member in members(settings.pool[0])] == [9, 3]
