"""The desk as the command line sees it: HTTP over its Unix socket or TLS, every error one clear sentence.

Every sub-command that needs the running recorder goes through `DeskClient`. It must not know what a resource
means, open a key, or import anything that exists on Linux only (a custodian's machine runs it too).
"""

import os
import socket
import ssl
import tomllib
import urllib.parse
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, NoReturn, Self

import httpx
import typer

from kuramori.api.headers import KEY_HEADER, PERSON_HEADER
from kuramori.cli.desk_address import DeskUrl, changed_certificate, named_url, no_desk_at, transport_to
from kuramori.cli.failure import CommandFailure as CommandFailure
from kuramori.cli.session_file import kept_sign_in
from kuramori.texts import tr

DEFAULT_CONFIGURATION = Path("/etc/kuramori/kuramori.toml")
DEFAULT_SOCKET = Path("/run/kuramori/desk.sock")
SOCKET_NAME = "desk.sock"
TIMEOUT_SECONDS = 60.0
PROBE_TIMEOUT_SECONDS = 5.0
DOWNLOAD_TIMEOUT_SECONDS = 600.0  # a bundle's first byte comes after the worker has verified all of it
JSON_LIMIT_BYTES = 64 * 1024 * 1024
CONFIGURATION_LIMIT_BYTES = 1024 * 1024


class DeskNotRunning(CommandFailure):
    """Nobody listens on the desk's socket."""

    def __init__(self, socket_path: Path) -> None:
        self.socket_path = socket_path
        super().__init__(
            tr(
                f"The desk is not running (nothing answers on {socket_path}); start it with: kuramori run",
                f"受付(desk)が応答しません({socket_path})。kuramori run で起動してください。",
            )
        )


class DeskNotPermitted(CommandFailure):
    """The operating system keeps this user from the desk's socket."""

    def __init__(self, socket_path: Path) -> None:
        self.socket_path = socket_path
        super().__init__(
            tr(
                f"This user may not speak to the desk ({socket_path}); ask for membership of its group.",
                f"この利用者は受付(desk)に接続できません({socket_path})。グループへの登録を依頼してください。",
            )
        )


class DeskSilent(CommandFailure):
    """The desk took the call but broke off or did not answer in time."""

    def __init__(self) -> None:
        super().__init__(
            tr(
                "The desk did not answer; look at the register whether it was done, then try again.",
                "受付(desk)が応答しませんでした。処理済みかどうか登録簿を確認し、やり直してください。",
            )
        )


class DeskProblem(CommandFailure):
    """The desk refused, with a stable code (RFC 9457 problem document)."""

    def __init__(self, status: int, code: str, sentence: str, facts: Mapping[str, Any]) -> None:
        self.status = status
        self.code = code
        self.facts = dict(facts)
        super().__init__(sentence)


def acting_person(named: str | None) -> str | None:
    """Return who acts: `--as NAME`, else KURAMORI_PERSON, else nobody."""
    return named or os.environ.get("KURAMORI_PERSON") or None


def find_socket(named: Path | None = None, configuration: Path | None = None) -> Path:
    """Return the desk's socket: as given, of this configuration, KURAMORI_DESK_SOCKET, KURAMORI_CONFIG, default."""
    if named is not None:
        return named
    from_environment = os.environ.get("KURAMORI_DESK_SOCKET")
    if from_environment and configuration is None:
        return Path(from_environment)
    file = configuration or Path(os.environ.get("KURAMORI_CONFIG") or DEFAULT_CONFIGURATION)
    directory = _runtime_directory(file)
    if directory is None and configuration is not None:
        raise CommandFailure(
            tr(
                f"The configuration {configuration} cannot be read or names no runtime_directory.",
                f"設定ファイル {configuration} が読めないか、runtime_directory の指定がありません。",
            )
        )
    return directory / SOCKET_NAME if directory is not None else DEFAULT_SOCKET


def _runtime_directory(configuration: Path) -> Path | None:
    """Return the first `runtime_directory` (top level or one table down); the rest is not checked here."""
    try:
        with configuration.open("rb") as file:
            document = tomllib.loads(file.read(CONFIGURATION_LIMIT_BYTES).decode("utf-8"))
    except (OSError, ValueError):
        return None
    tables = [document, *(table for table in document.values() if isinstance(table, dict))]
    for table in tables:
        value = table.get("runtime_directory")
        if isinstance(value, str):
            return configuration.absolute().parent / value  # relative ones start at the file's folder
    return None


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer that is no JSON."""

    headers: Mapping[str, str]
    content: bytes


@dataclass(frozen=True, slots=True)
class Download:
    """An answer that comes in pieces. Iterate `pieces` once."""

    headers: Mapping[str, str]
    pieces: Iterator[bytes]


class DeskClient:
    """One conversation with the desk. A context manager; not for several threads."""

    def __init__(self, address: Path | DeskUrl, person: str | None = None) -> None:
        headers = {"Accept": "application/json", "Accept-Language": tr("en", "ja")}
        if person is not None:
            headers[PERSON_HEADER] = urllib.parse.quote(person, safe="")
        self.name = address.text if isinstance(address, DeskUrl) else str(address)  # what a sign-in is kept under
        kept = kept_sign_in(self.name)
        if kept is not None and person in (None, kept.person):
            headers["Authorization"] = f"Bearer {kept.token}"
        self._address = address
        self._http = httpx.Client(
            transport=_transport(address),
            base_url=address.text if isinstance(address, DeskUrl) else "http://desk",
            headers=headers,
            timeout=TIMEOUT_SECONDS,
            follow_redirects=False,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the conversation. May be called twice."""
        self._http.close()

    def use_token(self, token: str) -> None:
        """Speak with this sign-in from now on."""
        self._http.headers["Authorization"] = f"Bearer {token}"

    def get_json(self, path: str, params: Mapping[str, str | int] | None = None) -> Any:
        """GET `path` and return the parsed JSON. Raises CommandFailure."""
        with self._failures():
            return _content(self._http.get(path, params=dict(params or {})))

    def get_rows(self, path: str, rows: str) -> dict[str, Any]:
        """GET a list, page by page: the first page's answer with the rows of all of them. Raises CommandFailure."""
        whole: dict[str, Any] = self.get_json(path)
        following = whole.pop("next", None)
        while following is not None:
            page = self.get_json(path, {"cursor": following})
            whole[rows] += page[rows]
            following = page["next"]
        return whole

    def get_file(self, path: str, params: Mapping[str, str | int] | None = None) -> bytes:
        """GET `path` and return what is no JSON: a page to print, a table. Raises CommandFailure."""
        with self._failures():
            answer = self._http.get(
                path, params=dict(params or {}), headers={"Accept": "*/*"}, timeout=DOWNLOAD_TIMEOUT_SECONDS
            )
        if not answer.is_success:
            _content(answer)
        return answer.content

    def get_answer(self, path: str, params: Mapping[str, str | int]) -> Answer:
        """GET `path` and return what is no JSON, with its headers. Raises CommandFailure."""
        with self._failures():
            answer = self._http.get(
                path, params=dict(params), headers={"Accept": "*/*"}, timeout=DOWNLOAD_TIMEOUT_SECONDS
            )
        if not answer.is_success:
            _content(answer)
        return Answer(answer.headers, answer.content)

    def post_json(self, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """POST a JSON body and return the parsed JSON (None for an empty answer). Raises CommandFailure.

        A connection that breaks is tried once more: by the key the desk knows the call again and does it once.
        """
        headers = {KEY_HEADER: str(uuid.uuid4())}
        with self._failures():
            try:
                answer = self._http.post(path, json=dict(body or {}), headers=headers)
            except (httpx.ReadError, httpx.RemoteProtocolError):
                answer = self._http.post(path, json=dict(body or {}), headers=headers)
            return _content(answer)

    def delete_json(self, path: str) -> Any:
        """DELETE `path` and return the parsed JSON. Raises CommandFailure."""
        with self._failures():
            return _content(self._http.delete(path))

    @contextmanager
    def download(
        self, path: str, body: Mapping[str, Any] | None = None, headers: Mapping[str, str] | None = None
    ) -> Iterator[Download]:
        """POST a JSON body, or GET without one, and yield the answer as it comes. Raises CommandFailure, midway too."""
        method, content = ("GET", None) if body is None else ("POST", dict(body))
        with (
            self._failures(),
            self._http.stream(
                method, path, json=content, headers=dict(headers or {}), timeout=DOWNLOAD_TIMEOUT_SECONDS
            ) as answer,
        ):
            if not answer.is_success:
                answer.read()
                _content(answer)
            yield Download(answer.headers, answer.iter_bytes())

    @contextmanager
    def _failures(self) -> Iterator[None]:
        address = self._address
        if isinstance(address, Path):
            _reach(address)
        try:
            yield
        except httpx.ConnectError as error:
            if isinstance(address, Path):
                raise DeskNotRunning(address) from error
            raise changed_certificate(address, error) or no_desk_at(address.text, error) from error
        except httpx.TransportError as error:
            raise DeskSilent from error


def _reach(socket_path: Path) -> None:
    """Try the socket ourselves first: the operating system's answer tells absent from not permitted."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(PROBE_TIMEOUT_SECONDS)
        try:
            probe.connect(str(socket_path))
        except PermissionError as error:
            raise DeskNotPermitted(socket_path) from error
        except OSError as error:
            raise DeskNotRunning(socket_path) from error


def _transport(address: Path | DeskUrl) -> httpx.HTTPTransport:
    if isinstance(address, DeskUrl):
        return transport_to(address)
    return httpx.HTTPTransport(uds=str(address), verify=_no_tls())


def _content(answer: httpx.Response) -> Any:
    if len(answer.content) > JSON_LIMIT_BYTES:
        raise CommandFailure(tr("The desk's answer is too large.", "受付(desk)の応答が大きすぎます。"))
    try:
        document = answer.json() if answer.content else None
    except ValueError:
        document = None
        if answer.is_success:
            raise CommandFailure(tr("The desk's answer is not JSON.", "受付(desk)の応答を解釈できません。")) from None
    if answer.is_success:
        return document
    problem = document if isinstance(document, dict) else {}
    sentence = problem.get("detail") or problem.get("title") or f"HTTP {answer.status_code}"
    code = str(problem.get("code", f"http-{answer.status_code}"))
    raise DeskProblem(answer.status_code, code, str(sentence), problem)


def _no_tls() -> ssl.SSLContext:
    """A context that trusts nobody: a Unix socket needs none, and loading the usual one costs each command time."""
    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def fail(sentence: str) -> NoReturn:
    """Print one sentence on standard error and end the command with exit code 1."""
    typer.echo(sentence, err=True)
    raise typer.Exit(1)


@contextmanager
def one_sentence() -> Iterator[None]:
    """Turn any CommandFailure inside into its sentence on standard error and exit code 1."""
    try:
        yield
    except CommandFailure as failure:
        fail(str(failure))


def open_desk(
    *, socket_path: Path | None = None, configuration: Path | None = None, person: str | None = None
) -> DeskClient:
    """Return a client for the desk that the options and the environment name. Raises CommandFailure."""
    address = named_url(configured=configuration is not None) if socket_path is None else None
    return DeskClient(address or find_socket(socket_path, configuration), acting_person(person))
