"""Reads the mail account's password anew for each mail: it may have been changed. Must not keep it."""

from pathlib import Path

from kuramori_config.secrets import Secret, credentials_directory, read_secret


class ReadSecret:
    """Reads a secret by its name, from a credential or from this folder."""

    def __init__(self, secrets: Path | None) -> None:
        self._secrets = secrets

    def __call__(self, name: str) -> Secret:
        """Return it. Raises SecretRefused."""
        return read_secret(name, credentials_directory=credentials_directory(), secrets_directory=self._secrets)
