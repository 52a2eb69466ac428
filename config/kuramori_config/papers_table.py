"""The table [papers]: what the office's papers say beyond what the other tables say (O6, O8).

The rule book, the notice, the report to the review board and the forms are printed from the whole configuration; here
stands the rest. A paper that needs a key which is missing is not printed. This file must not print anything.
"""

import datetime

from kuramori_config.base_table import Table
from kuramori_config.option import DATE, TEXT, option
from kuramori_config.quantities import DURATION_SHAPE, Duration
from kuramori_config.values import Span, Text

ANSWER_WITHIN = Duration.of_days(14)


class Papers(Table):
    """What the printed papers say beyond the rest of this file."""

    rules_title: Text | None = option(
        "The title of the management rules, where it is not the usual one.",
        shape=TEXT,
        example='"北市防犯カメラ管理運用要領"',
        default=None,
    )
    operator: Text | None = option(
        "Who puts the cameras up, with the head of the body, as the rules name it; otherwise site.installer.",
        shape=TEXT,
        example='"Kita City (mayor Yamada Taro)"',
        default=None,
    )
    address: Text | None = option(
        "Postal address of the office: where complaints and applications go.",
        shape=TEXT,
        example='"1-1 Honcho, Kita City"',
        default=None,
    )
    recorder_place: Text | None = option(
        "Where the recorder stands and how that place is locked.",
        shape=TEXT,
        example='"City hall, 2nd floor, locked server room"',
        default=None,
    )
    in_force_from: datetime.date | None = option(
        "From which day the management rules are in force.", shape=DATE, example="2026-04-01", default=None
    )
    legal_basis: Text | None = option(
        "The ordinance or directive on which the cameras rest; named in the rules and in the report.",
        shape=TEXT,
        example='"Kita City Crime Prevention Ordinance, article 2"',
        default=None,
    )
    review_board: Text | None = option(
        "The board that gets the report.",
        shape=TEXT,
        example='"Kita City Information Disclosure and Privacy Review Board"',
        default=None,
    )
    answer_within: Span = option(
        "A complaint or question that is not answered within this time is shown as overdue.",
        shape=DURATION_SHAPE,
        example='"14 days"',
        default=ANSWER_WITHIN,
    )
