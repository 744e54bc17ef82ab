"""The command that forgets a person."""

from pathlib import Path

from connector.erase import Whose, erase, find
from connector.errors import ConfigError
from connector.loading import load_parts
from connector.output import Output
from connector.reading import open_reading
from connector.store.lock import hold


def erase_person(out: Output, config: Path, record: str, *, yes: bool) -> int:
    """Show whom an id or a mail address stands for; erase them where that was confirmed. Raises ConfigError."""
    _, models, mapping = load_parts(config)
    seats = tuple(line.seat for line in models.of("account"))
    whose = Whose(mapping.objects("accounts"), ("account", *seats))
    with open_reading(config) as reading, hold(reading.folder):
        with reading.engine() as engine:
            who = find(engine, reading.lake, record)
        if not who.ids and not who.addresses:
            raise ConfigError(f"erase: the store knows nobody by {record}; give a record's id or a mail address")
        if yes:
            erase(reading.folder, reading.state, who, whose)
    data = {"erased": yes, "ids": list(who.ids), "files": who.files, "rows": who.rows}
    about = f"{len(who.ids)} records, {len(who.addresses)} mail addresses"
    done = f"erased: {about}; {who.rows:,} rows of the database and of {who.files:,} files"
    todo = f"would erase {about} from this store; pass --yes to do it. The CRM is not changed"
    out.result(data, [done if yes else todo])
    return 0
