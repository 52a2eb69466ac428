"""The file of `kuramori watch`, for another machine than the recorder's: [mail] and [watch].

Its keys are checked as those of the recorder's file are. This file must not ask anything over a network.
"""

from pathlib import Path

from kuramori_config.base_table import Table
from kuramori_config.faults import ConfigurationFault
from kuramori_config.load import parse_tables, read_file
from kuramori_config.mail_table import Mail, mail_problems
from kuramori_config.option import PATH, TEXT, number_shape, option, table
from kuramori_config.values import ZONE, Location, Number, Text, TimeZone


class Watch(Table):
    """How another machine watches the recorder."""

    name: Text = option("How the site is called in the mails.", shape=TEXT, example='"Kita school route"')
    time_zone: TimeZone = option(
        "The time zone of `daily_at` and of times in mails.",
        shape=ZONE,
        example='"Asia/Tokyo"',
        default="Asia/Tokyo",
    )
    state_directory: Location = option(
        "Where mails wait until they are taken, and what was told is remembered.",
        shape=PATH,
        example='"/var/lib/kuramori-watch"',
        default=Path("/var/lib/kuramori-watch"),
    )
    secrets_directory: Location | None = option(
        "One file per secret, mode 0600. Secrets given as systemd credentials win.",
        shape=PATH,
        example='"/etc/kuramori/secrets"',
        default=None,
    )
    ca_file: Location | None = option(
        "PEM file of the authority that signed the certificate of an https:// metrics page.",
        shape=PATH,
        example='"/etc/kuramori/metrics-ca.pem"',
        default=None,
    )
    every_seconds: Number = option(
        "How often the page is read.",
        shape=number_shape(1, 300, "seconds", "秒"),
        example="10",
        default=10.0,
        ge=1,
        le=300,
    )
    unreachable_after_seconds: Number = option(
        "How long the page may be away before that is told.",
        shape=number_shape(1, 3600, "seconds", "秒"),
        example="60",
        default=60.0,
        ge=1,
        le=3600,
    )


class WatchConfiguration(Table):
    """The whole file."""

    watch: Watch = table("What is watched, and how.")
    mail: Mail = table("How it is told.")


def load_watch_configuration(path: Path) -> WatchConfiguration:
    """Read, check and return the file. Raises ConfigurationFault with every problem found."""
    found = parse_tables(read_file(path), path, WatchConfiguration)
    problems = tuple(mail_problems(found.mail))
    if problems:
        raise ConfigurationFault(path, problems)
    return found
