"""What all tables of the configuration share. This file must not know any table."""

from pydantic import BaseModel, ConfigDict


class Table(BaseModel):
    """Values never change, unknown keys are errors."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=False, hide_input_in_errors=True)
