"""The table [mail]: encrypted, with a whole account, to real addresses."""

from pathlib import Path

import pytest

from kuramori_config.faults import ConfigurationFault
from kuramori_config.load import parse_configuration
from kuramori_config.watch_file import load_watch_configuration
from tests.fakes.configuration import configuration_text

MAIL = """
[mail]
host = "mail.city.example"
sender = "kuramori@city.example"
recipients = ["office@city.example"]
"""


def faults(*lines: str, mail: str = MAIL) -> str:
    with pytest.raises(ConfigurationFault) as caught:
        parse_configuration(configuration_text(mail + "\n".join(lines) + "\n"), Path("k.toml"))
    return str(caught.value)


def test_the_defaults_are_encrypted_and_sparing() -> None:
    """TLS on 465, half past eight, six mails an hour."""
    mail = parse_configuration(configuration_text(MAIL), Path("k.toml")).mail
    assert mail is not None
    assert (mail.security.value, mail.used_port, mail.daily_at) == ("tls", 465, "08:30")
    assert (mail.most_mails_per_hour, mail.red_after_seconds, mail.language.value) == (6, 30.0, "both")


@pytest.mark.parametrize(
    ("line", "key"),
    [
        ('security = "none"', "mail.security"),
        ('username = "k"', "mail.password"),
        ('password = "mail"', "mail.username"),
        ('daily_at = "24:00"', "mail.daily_at"),
        ('daily_at = "8:30"', "mail.daily_at"),
        ("most_mails_per_hour = 0", "mail.most_mails_per_hour"),
        ("port = 0", "mail.port"),
        ('language = "de"', "mail.language"),
        ('username = "a\\r\\nb"', "mail.username"),
    ],
)
def test_what_does_not_fit_is_named(line: str, key: str) -> None:
    """By its key."""
    assert key in faults(line)


@pytest.mark.parametrize(
    "address", ["a", "a@", "a b@c.example", "a@b\\r\\nBcc: x@y", "a@b.example>", "x" * 300 + "@b.example"]
)
def test_an_address_that_is_none_is_refused(address: str) -> None:
    """Nothing that could become a header or a command."""
    assert "mail.recipients" in faults(mail=MAIL.replace("office@city.example", address))


def test_unencrypted_goes_to_this_machine_only() -> None:
    """A server on the loopback passes it on."""
    text = configuration_text(MAIL.replace("mail.city.example", "127.0.0.1") + 'security = "none"\n')
    mail = parse_configuration(text, Path("k.toml")).mail
    assert mail is not None
    assert mail.used_port == 25


def test_the_file_of_a_watch_is_checked_like_the_other(tmp_path: Path) -> None:
    """Unknown keys are named with what was probably meant."""
    path = tmp_path / "watch.toml"
    path.write_text('[watch]\nnam = "Kita"\n' + MAIL)
    with pytest.raises(ConfigurationFault, match='did you mean "name"'):
        load_watch_configuration(path)
    path.write_text('[watch]\nname = "Kita"\n' + MAIL)
    assert load_watch_configuration(path).watch.every_seconds == 10
