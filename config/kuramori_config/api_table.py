"""The table [api]: staff sign in, each as themselves, and other machines of the office may reach the desk.

Without it the desk answers on its Unix socket only and takes the word of whoever may open that. This file must not
open anything.
"""

import ipaddress
from collections.abc import Iterator

from kuramori_config.base_table import Table
from kuramori_config.faults import Problem, Wording
from kuramori_config.option import PATH, number_shape, option
from kuramori_config.values import LISTEN, Count, ListenAddress, Location


class Api(Table):
    """Sign-in for every person, also on the recorder's own socket; TLS 1.3 for other machines (H3)."""

    listen: ListenAddress | None = option(
        "Address and port where other machines reach the desk, over TLS 1.3 only. Without it there is the socket only.",
        shape=LISTEN,
        example='"192.168.10.5:8443"',
        default=None,
    )
    loopback: ListenAddress | None = option(
        "Address and port of plain HTTP for programs on this machine; a loopback address, never another.",
        shape=LISTEN,
        example='"127.0.0.1:8480"',
        default=None,
    )
    certificate: Location | None = option(
        "PEM file with the certificate for `listen` and its chain. Without it the desk makes its own, which a client "
        "is shown the fingerprint of at its first sign-in.",
        shape=PATH,
        example='"/etc/kuramori/desk.pem"',
        default=None,
    )
    key: Location | None = option(
        "PEM file with the certificate's private key, mode 0600, owned by the account that runs kuramori.",
        shape=PATH,
        example='"/etc/kuramori/desk.key"',
        default=None,
    )
    idle_minutes: Count = option(
        "A sign-in ends when nothing was asked for so long, and after eight hours in any case.",
        shape=number_shape(1, 60, "minutes", "分"),
        example="15",
        default=15,
        ge=1,
        le=60,
    )


def api_problems(api: Api) -> Iterator[Problem]:
    """Yield what does not fit together."""
    nothing = Wording("nothing", "記載なし")
    for key, value, other in (("key", api.key, api.certificate), ("certificate", api.certificate, api.key)):
        if value is None and other is not None:
            yield Problem(f"api.{key}", nothing, Wording("certificate and key together", "certificate と key の両方"))
    if api.loopback is not None and not _is_loopback(api.loopback):
        expected = Wording(
            "a loopback address such as 127.0.0.1 (other machines come over TLS: listen)",
            "127.0.0.1 などの本機内のアドレス（他の端末からの接続は TLS の listen を使用）",
        )
        found = Wording(f'"{api.loopback}"', f'"{api.loopback}"')
        yield Problem("api.loopback", found, expected)


def _is_loopback(address: str) -> bool:
    host = address.rpartition(":")[0].removeprefix("[").removesuffix("]")
    return ipaddress.ip_address(host).is_loopback
