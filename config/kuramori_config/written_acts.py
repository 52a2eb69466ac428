"""What people decided or did, kept in writing in the configuration: decisions, and cameras that were removed.

This file must not know what follows from them.
"""

import datetime

from kuramori_config.base_table import Table
from kuramori_config.option import DATE, TEXT, option
from kuramori_config.quantities import DURATION_SHAPE
from kuramori_config.values import CAMERA_NAME, CameraName, Retention, Text


class Decision(Table):
    """A decision in writing: who, when, why."""

    who: Text = option("Who decided: office and name.", shape=TEXT, example='"mayor Yamada Taro"')
    date: datetime.date = option("When.", shape=DATE, example="2026-04-01")
    reason: Text = option("Why.", shape=TEXT, example='"Repeated incidents on this route"')


class RetiredCamera(Table):
    """A camera that was removed (`kuramori camera remove`). Its name is never given to another.

    Its recordings stay until their retention ends; the table stays for good.
    """

    name: CameraName = option("The name that it had.", shape=CAMERA_NAME, example='"gate-south"')
    place: Text = option("Where it stood.", shape=TEXT, example='"South gate, pole 2"')
    removed: datetime.date = option("When it was removed.", shape=DATE, example="2026-04-01")
    retention: Retention = option(
        "How long its pictures are kept: what held for it when it was removed.",
        shape=DURATION_SHAPE,
        example='"14 days"',
    )
