"""What the commands around the end of machines and media share: their faults as sentences, and passphrase files.

Must not know any of these commands.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from kuramori.cli.client import CommandFailure, fail
from kuramori.texts import japanese_wanted, tr

BAD_INPUT = 2

PassphraseFile = Annotated[
    Path | None,
    typer.Option(
        "--passphrase-file",
        help=tr("File of mode 0600 whose first line is the passphrase.", "1行目に合言葉を記したファイル(モード0600)"),
    ),
]


class BadInput(CommandFailure):
    """What was typed, or what it names, cannot be used: exit code 2."""


@contextmanager
def one_answer() -> Iterator[None]:
    """Turn every fault inside into its sentence: exit code 2 for what was handed in, else 1."""
    from kuramori.backup.fault import BackupFault
    from kuramori.custodian_cards import CardsRefused
    from kuramori.identity import IdentityFault
    from kuramori.key_texts import key_sentence
    from kuramori.passphrase import PassphraseUnavailable
    from kuramori.process import unusable
    from kuramori.setup_faults import SetUpRefused
    from kuramori_config.faults import ConfigurationFault
    from kuramori_segments.key_faults import KeyFault

    try:
        yield
    except BadInput as bad:
        _bad(str(bad))
    except CommandFailure as failure:
        fail(str(failure))
    except ConfigurationFault as fault:
        _bad(fault.text(japanese=japanese_wanted()))
    except KeyFault as fault:
        _bad(key_sentence(fault))
    except (BackupFault, SetUpRefused, CardsRefused, IdentityFault, PassphraseUnavailable) as fault:
        _bad(str(fault))
    except OSError as error:
        _bad(unusable(error))


def _bad(sentence: str) -> None:
    typer.echo(sentence, err=True)
    raise typer.Exit(BAD_INPUT)
