"""Where configuration values come from: the file, the environment, secret files; merged into one mapping.

Order, the first wins: LEADLIGHT_ variable, its _FILE twin, $CREDENTIALS_DIRECTORY, the file.
"""

import os
import stat
import tomllib
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel
from pydantic_settings import BaseSettings, EnvSettingsSource, SettingsError

from connector.errors import ConfigError
from connector.settings.channels import channel_variables, channels_of, take_channel_secrets
from connector.settings.feed_sources import (
    feed_secrets_held,
    feed_variables,
    make_feeds_absolute,
    take_feed_secrets,
)
from scoring.names import nearest

PREFIX = "LEADLIGHT_"
DEFAULT_STORE = "./leadlight-store"
OTHER_VARIABLES = frozenset({"LEADLIGHT_CONFIG"})  # the command line's own
SECRETS = ("client_secret", "token", "private_key")
Key = tuple[str, ...]
_PATHS = (("store", "path"), ("crm", "ca_file"), ("crm", "mapping"), ("lists", "folder"))


def merged(path: Path, settings: type[BaseSettings]) -> tuple[dict[str, Any], dict[Key, str], list[str]]:
    """Merge all sources; returns the values, the variable or file each overriding one came from, and problems.

    Relative paths are made absolute from the configuration's folder. Raises ConfigError where the file is unreadable.
    """
    raw = _read(path)
    variables = _variables(settings)
    problems = _open_to_others(path, raw) + _unknown_variables(
        {*variables, *channel_variables(raw), *feed_variables(raw)}
    )
    problems += [*take_channel_secrets(raw), *take_feed_secrets(raw)]
    found, origins = _secret_files(variables, problems)
    from_environment, names = _environment(settings, variables, problems)
    for location, value in {**found, **from_environment}.items():
        _put(raw, location, value)
    _make_absolute(raw, path.absolute().parent)
    return raw, {**origins, **names}, problems


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ConfigError(f"{path}: no such file; `leadlight init` writes one, --config names another") from None
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: is not UTF-8 text (byte {error.start})") from None
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path}: is not TOML: {error}") from None


def _open_to_others(path: Path, raw: Mapping[str, Any]) -> list[str]:
    mode = stat.S_IMODE(path.stat().st_mode)
    if os.name != "posix":
        return []
    crm = raw.get("crm")
    held = [(f"crm.{name}", f"CRM__{name}") for name in SECRETS if isinstance(crm, Mapping) and crm.get(name)]
    held += [(f"channel.{row['id']}.url", f"CHANNEL__{row['id']}__URL") for row in channels_of(raw) if row.get("url")]
    held += feed_secrets_held(raw)
    if mode & 0o077 and held:
        return [
            f"{path.name}: {name}: a secret in a file that others can read (mode {mode:04o}); "
            f"`chmod 600 {path.name}`, or set {PREFIX}{variable.upper()} instead"
            for name, variable in held
        ]
    if mode & 0o002:
        return [f"{path.name}: everybody may write to this file (mode {mode:04o}); `chmod o-w {path.name}`"]
    return []


def _variables(settings: type[BaseSettings]) -> dict[str, Key]:
    """Name every variable that sets something."""
    found: dict[str, Key] = {}
    for table, field in settings.model_fields.items():
        inner = field.annotation
        if isinstance(inner, type) and issubclass(inner, BaseModel):
            found |= {f"{PREFIX}{table}__{key}".upper(): (table, key) for key in inner.model_fields}
        else:
            found[f"{PREFIX}{table}".upper()] = (table,)
    return found


def _unknown_variables(variables: Collection[str]) -> list[str]:
    known = {*variables, *(f"{_variable(name)}_FILE" for name in SECRETS), *OTHER_VARIABLES}
    set_here = sorted(name for name in os.environ if name.upper().startswith(PREFIX))
    return [
        f"environment: {name}: no such setting{nearest(name.upper(), known)}"
        for name in set_here
        if name.upper() not in known
    ]


def _environment(
    settings: type[BaseSettings], variables: Mapping[str, Key], problems: list[str]
) -> tuple[dict[Key, Any], dict[Key, str]]:
    set_here = {name.upper() for name, value in os.environ.items() if value}
    used = {location: name for name, location in variables.items() if name in set_here}
    try:
        values = EnvSettingsSource(settings, env_ignore_empty=True)()
    except SettingsError as error:  # its text names the field, never the value
        problems.append(f"environment: {error}; lists and tables are written as JSON, or in the file")
        return {}, {}
    return {location: _get(values, location) for location in used}, used


def _secret_files(variables: Mapping[str, Key], problems: list[str]) -> tuple[dict[Key, Any], dict[Key, str]]:
    found: dict[Key, Any] = {}
    origins: dict[Key, str] = {}
    directory = os.environ.get("CREDENTIALS_DIRECTORY")
    for name in SECRETS:
        variable, location = _variable(name), variables[_variable(name)]
        given = os.environ.get(f"{variable}_FILE")
        if given and os.environ.get(variable):
            problems.append(f"environment: {variable} and {variable}_FILE are both set; keep one")
        credential = Path(directory or ".") / f"crm_{name}"
        if not given and not (directory and credential.is_file()):
            continue
        file, origin = (Path(given), f"{variable}_FILE") if given else (credential, str(credential))
        try:
            found[location], origins[location] = file.read_text(encoding="utf-8").rstrip("\r\n"), origin
        except (OSError, UnicodeDecodeError):
            problems.append(f"environment: {origin}: {file} cannot be read")
    return found, origins


def _make_absolute(raw: dict[str, Any], folder: Path) -> None:
    if isinstance(store := raw.setdefault("store", {}), dict):
        store.setdefault("path", DEFAULT_STORE)
    for table, key in _PATHS:
        value = _get(raw, (table, key))
        if isinstance(value, str) and value and (key != "mapping" or value.endswith(".toml")):
            _put(raw, (table, key), str(folder / Path(value).expanduser()))
    models = raw.get("model")
    for model in models if isinstance(models, list) else ():
        file = model.get("file") if isinstance(model, dict) else None
        if isinstance(file, str) and file and not file.startswith("preset:"):
            model["file"] = str(folder / Path(file).expanduser())
    make_feeds_absolute(raw, folder)


def _variable(secret: str) -> str:
    return f"{PREFIX}CRM__{secret}".upper()


def _get(values: Mapping[str, Any], location: Key) -> Any:  # noqa: ANN401 - a value of any kind
    here: Any = values
    for step in location:
        here = here.get(step) if isinstance(here, Mapping) else None
    return here


def _put(values: dict[str, Any], location: Key, value: Any) -> None:  # noqa: ANN401 - as above
    *tables, key = location
    for table in tables:
        values = values.setdefault(table, {})
        if not isinstance(values, dict):  # a table that is no table has a problem of its own
            return
    values[key] = value
