"""The base of every table of the configuration."""

from pydantic import BaseModel, ConfigDict


class Table(BaseModel):
    """Base of every table of the file: immutable, unknown keys refused, values kept out of error texts."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)
