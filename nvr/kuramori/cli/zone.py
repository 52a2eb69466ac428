"""Which zone times on the command line are in: the site's, as its configuration says, else the machine's.

The rest of the configuration is not read or checked here. This module must not know any command.
"""

import os
import tomllib
from datetime import tzinfo
from pathlib import Path

from kuramori.cli.client import CONFIGURATION_LIMIT_BYTES, DEFAULT_CONFIGURATION
from kuramori.cli.times import site_zone


def zone_of_site(configuration: Path | None = None) -> tzinfo:
    """Return the zone of `[site] time_zone` (file as given, KURAMORI_CONFIG, or the default); else the machine's.

    Raises kuramori.cli.times.ZoneUnknown when the named zone does not exist here.
    """
    file = configuration or Path(os.environ.get("KURAMORI_CONFIG") or DEFAULT_CONFIGURATION)
    return site_zone(_named_zone(file))


def _named_zone(file: Path) -> str | None:
    try:
        with file.open("rb") as opened:
            document = tomllib.loads(opened.read(CONFIGURATION_LIMIT_BYTES).decode("utf-8"))
    except (OSError, ValueError):
        return None
    site = document.get("site")
    if not isinstance(site, dict):
        return None
    name = site.get("time_zone", _default_zone())
    return name if isinstance(name, str) else None


def _default_zone() -> object:
    from kuramori_config.schema import Site  # a second's fraction of imports: only where the file is silent

    return Site.model_fields["time_zone"].default
