"""A second client for custodians, written from APPROVALS.md alone: the standard library and a library of primitives.

It shows that the page is enough. It asks the desk over HTTP on a Unix socket, checks everything it is told to check,
and approves. Slow and plain on purpose; it imports nothing of ours, and a test looks.
"""

import base64
import hashlib
import hmac
import http.client
import json
import socket
import struct
from dataclasses import dataclass, field
from typing import Any

from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

SPAN_MOST_MS = 3_660_000
REACH_BACK_MS = 30_000
GRANTED_MEMBERS = {
    "cameras",
    "conditions",
    "decision",
    "document_number",
    "extraction_key",
    "from_utc_ms",
    "ground",
    "kuramori",
    "purpose",
    "recipient",
    "recorder_id",
    "request",
    "requester",
    "revision",
    "rule_set",
    "segments",
    "site",
    "to_utc_ms",
    "version",
}
SEGMENT_MEMBERS = {"camera_number", "header_digest", "segment_uid", "sequence", "threshold"}


class Refused(Exception):
    """The client approves nothing; says which check failed."""


def require(holds: object, what: str) -> None:
    """Raise Refused unless it holds."""
    if not holds:
        raise Refused(what)


# ---- bytes ---------------------------------------------------------------------------------------------------


def canonical(value: Any) -> bytes:
    """Canonical JSON; the names in these documents are ASCII, where UTF-16 order is that of the letters."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def read_canonical(document: bytes) -> Any:
    """Return the value of canonical bytes."""
    try:
        value = json.loads(document)
    except ValueError:
        raise Refused("not JSON") from None
    require(canonical(value) == document, "not canonical")
    return value


def octets(text: str) -> bytes:
    """Return the bytes of base64."""
    return base64.b64decode(text, validate=True)


def text_of(data: bytes) -> str:
    """Return base64."""
    return base64.b64encode(data).decode()


def sha256(data: bytes) -> bytes:
    """Return the digest."""
    return hashlib.sha256(data).digest()


def es256_sign(key: ec.EllipticCurvePrivateKey, message: bytes) -> bytes:
    """Return r and s; deterministic (RFC 6979), as the vectors are."""
    r, s = decode_dss_signature(key.sign(message, ec.ECDSA(hashes.SHA256(), deterministic_signing=True)))
    return r.to_bytes(32, "big") + s.to_bytes(32, "big")


def es256_verify(key: Any, signature: bytes, message: bytes) -> bool:
    """Tell whether it is this key's."""
    if not isinstance(key, ec.EllipticCurvePublicKey) or len(signature) != 64:
        return False
    try:
        both = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")
        key.verify(encode_dss_signature(*both), message, ec.ECDSA(hashes.SHA256()))
    except InvalidSignature:
        return False
    return True


# ---- HPKE (RFC 9180, base mode, single shot) -------------------------------------------------------------------

KEM = b"KEM" + struct.pack(">H", 0x0020)
SUITE = b"HPKE" + struct.pack(">HHH", 0x0020, 0x0001, 0x0002)


def _extract(suite: bytes, salt: bytes, label: bytes, material: bytes) -> bytes:
    return hmac.digest(salt or bytes(32), b"HPKE-v1" + suite + label + material, "sha256")


def _expand(suite: bytes, key: bytes, label: bytes, info: bytes, length: int) -> bytes:
    asked = struct.pack(">H", length) + b"HPKE-v1" + suite + label + info
    return hmac.digest(key, asked + b"\x01", "sha256")[:length]


def _context(shared: bytes, enc: bytes, public: bytes, info: bytes) -> tuple[AESGCM, bytes]:
    secret = _expand(KEM, _extract(KEM, b"", b"eae_prk", shared), b"shared_secret", enc + public, 32)
    schedule = b"\x00" + _extract(SUITE, b"", b"psk_id_hash", b"") + _extract(SUITE, b"", b"info_hash", info)
    inner = _extract(SUITE, secret, b"secret", b"")
    key, nonce = _expand(SUITE, inner, b"key", schedule, 32), _expand(SUITE, inner, b"base_nonce", schedule, 12)
    return AESGCM(key), nonce


def hpke_seal(plain: bytes, public: bytes, info: bytes, ephemeral: X25519PrivateKey | None = None) -> bytes:
    """Return enc, ciphertext and tag."""
    own = ephemeral or X25519PrivateKey.generate()
    enc = own.public_key().public_bytes_raw()
    aead, nonce = _context(own.exchange(X25519PublicKey.from_public_bytes(public)), enc, public, info)
    return enc + aead.encrypt(nonce, plain, b"")


def hpke_open(sealed: bytes, private: bytes, info: bytes) -> bytes:
    """Return the plaintext."""
    own = X25519PrivateKey.from_private_bytes(private)
    enc = sealed[:32]
    try:
        shared = own.exchange(X25519PublicKey.from_public_bytes(enc))
        aead, nonce = _context(shared, enc, own.public_key().public_bytes_raw(), info)
        return aead.decrypt(nonce, sealed[32:], b"")
    except (InvalidTag, ValueError):
        raise Refused("a share does not open") from None


# ---- section 3: the register -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Tree:
    """What a checkpoint says."""

    size: int
    root: bytes


def open_checkpoint(note: str, verifier: str) -> Tree:
    """Check the signature; return size and root."""
    name, key_id, key = verifier.split("+", 2)
    public = octets(key)
    require(public[0] == 1 and len(public) == 33, "verifier")
    require(sha256(name.encode() + b"\n" + public)[:4].hex() == key_id, "key id")
    text, _, lines = note.rpartition("\n\n")
    text += "\n"
    found = False
    for line in lines.splitlines():
        prefix = f"\u2014 {name} "
        signature = octets(line.removeprefix(prefix)) if line.startswith(prefix) else b""
        if signature[:4].hex() == key_id:
            try:
                Ed25519PublicKey.from_public_bytes(public[1:]).verify(signature[4:], text.encode())
            except InvalidSignature:
                raise Refused("checkpoint forged") from None
            found = True
    require(found, "checkpoint not signed")
    origin, size, root, *_ = text.split("\n")
    require(origin == name, "checkpoint of another register")
    return Tree(int(size), octets(root))


def node(left: bytes, right: bytes) -> bytes:
    """Return an inner node."""
    return sha256(b"\x01" + left + right)


def included(entry: bytes, index: int, tree: Tree, path: list[bytes]) -> bool:
    """RFC 9162, 2.1.3.2."""
    if index >= tree.size:
        return False
    place, last, computed = index, tree.size - 1, sha256(b"\x00" + entry)
    for part in path:
        if last == 0:
            return False
        if place % 2 or place == last:
            computed = node(part, computed)
            while place % 2 == 0 and place:
                place, last = place >> 1, last >> 1
        else:
            computed = node(computed, part)
        place, last = place >> 1, last >> 1
    return last == 0 and computed == tree.root


def grown(old: Tree, new: Tree, path: list[bytes]) -> bool:
    """RFC 9162, 2.1.4.2."""
    if old.size == new.size or old.size == 0:
        return not path and (old.size == 0 or old.root == new.root)
    if old.size > new.size:
        return False
    parts = ([old.root] if old.size & (old.size - 1) == 0 else []) + path
    if not parts:
        return False
    place, last = old.size - 1, new.size - 1
    while place % 2:
        place, last = place >> 1, last >> 1
    before = after = parts[0]
    for part in parts[1:]:
        if last == 0:
            return False
        if place % 2 or place == last:
            before, after = node(part, before), node(part, after)
            while place % 2 == 0 and place:
                place, last = place >> 1, last >> 1
        else:
            after = node(after, part)
        place, last = place >> 1, last >> 1
    return last == 0 and before == old.root and after == new.root


# ---- section 4: headers ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Header:
    """What a client reads of a segment's header."""

    block: bytes

    def __post_init__(self) -> None:
        """Look at the magic and the length."""
        require(len(self.block) == 4096 and self.block[:8] == b"KRMSEG\x01\n", "not a header")

    camera = property(lambda self: struct.unpack_from("<I", self.block, 20)[0])
    recorder_id = property(lambda self: self.block[24:40])
    uid = property(lambda self: self.block[40:56])
    sequence = property(lambda self: struct.unpack_from("<Q", self.block, 72)[0])
    start_utc_ms = property(lambda self: struct.unpack_from("<q", self.block, 80)[0])
    k = property(lambda self: self.block[184])
    n = property(lambda self: self.block[185])
    undated = property(lambda self: bool(self.block[14] & 2))

    @property
    def name(self) -> str:
        """The camera's."""
        return self.block[192 : 192 + self.block[186]].decode()

    def facts(self, number: int) -> bytes:
        """What every seal names."""
        block = self.block
        kept = block[24:40] + block[20:24] + block[56:72] + block[72:80] + block[80:88] + block[168:184]
        return kept + bytes((self.k, self.n, number)) + self.uid

    def own_share(self, custodian_id: bytes) -> tuple[int, bytes] | None:
        """Return number and sealed share."""
        for number in range(1, self.n + 1):
            at = 384 + (number - 1) * 112
            if self.block[at : at + 16] == custodian_id:
                return number, self.block[at + 16 : at + 97]
        return None


# ---- the client ------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Keys:
    """A custodian's, as they stand in an opened key file."""

    custodian_id: bytes
    opening_private: bytes
    signing: ec.EllipticCurvePrivateKey


@dataclass
class Memory:
    """What the client keeps of one recorder."""

    device_key: str = ""
    verifier: str = ""
    checkpoint: str = ""
    cameras: dict[int, str] = field(default_factory=dict)


class Desk:
    """HTTP on the desk's Unix socket."""

    def __init__(self, path: str) -> None:
        self._path = path

    def ask(self, method: str, resource: str, body: Any = None) -> tuple[int, Any]:
        """Return status and JSON."""
        connection = http.client.HTTPConnection("desk")
        connection.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        connection.sock.connect(self._path)
        try:
            sent = None if body is None else json.dumps(body)
            connection.request(method, resource, sent, {"Content-Type": "application/json"})
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read())
        finally:
            connection.close()

    def get(self, resource: str) -> Any:
        """GET what has to be there."""
        status, found = self.ask("GET", resource)
        require(status == 200, f"{resource}: {found}")
        return found


def approve(path: str, number: str, keys: Keys, memory: Memory, utc_ms: int) -> tuple[int, Any]:
    """Check a granted request and approve it; return the desk's status and answer. Raises Refused."""
    desk = Desk(path)
    met = desk.get("/v1/register/checkpoint")
    if memory.device_key:
        require((memory.device_key, memory.verifier) == (met["device_key"], met["verifier"]), "other keys than before")
    package = desk.get(f"/v1/requests/{number}/package?custodian={keys.custodian_id.hex()}")
    tree = open_checkpoint(package["checkpoint"], met["verifier"])
    if memory.checkpoint:
        old = open_checkpoint(memory.checkpoint, met["verifier"])
        proof: list[str] = []
        if 0 < old.size < tree.size:
            proof = desk.get(f"/v1/register/consistency?old={old.size}&size={tree.size}")["path"]
        require(grown(old, tree, [octets(part) for part in proof]), "register rewritten")
    granted, headers = check(package, met, tree, memory.cameras)
    require(granted["request"] == number, "another request")
    memory.device_key, memory.verifier, memory.checkpoint = met["device_key"], met["verifier"], package["checkpoint"]
    memory.cameras.update({one["number"]: one["name"] for one in granted["cameras"]})
    document = approval(granted, octets(package["granted"]), headers, keys, utc_ms)
    body = {"approval": text_of(document), "signature": text_of(es256_sign(keys.signing, signed_bytes(document)))}
    status, answer = desk.ask("POST", f"/v1/requests/{number}/approvals", body)
    if status == 201:
        found = desk.get(f"/v1/requests/{number}/approvals/{keys.custodian_id.hex()}")
        memory.checkpoint = registered(
            desk, found, met["verifier"], memory.checkpoint, number, octets(body["signature"])
        )
    return status, answer


def registered(desk: Desk, found: Any, verifier: str, known: str, number: str, signature: bytes) -> str:
    """Section 5, the end: the register holds the approval; return the checkpoint to go on from."""
    old, new = open_checkpoint(known, verifier), open_checkpoint(found["checkpoint"], verifier)
    path = desk.get(f"/v1/register/consistency?old={old.size}&size={new.size}")["path"] if old.size < new.size else []
    require(grown(old, new, [octets(part) for part in path]), "register rewritten")
    entry, salt, body = (octets(found[name]) for name in ("entry", "salt", "body"))
    said = read_canonical(entry)
    require((said["kind"], said["request"]) == ("approved", number), "another entry")
    require(said["body_digest"] == sha256(salt + body).hex(), "another body")
    require(octets(json.loads(body)["signature"]) == signature, "another approval")
    require(included(entry, said["index"], new, [octets(part) for part in found["path"]]), "approval not registered")
    return str(found["checkpoint"])


def check(package: Any, met: Any, tree: Tree, known: dict[int, str]) -> tuple[Any, list[Header]]:
    """Sections 2 to 4; return the granted request and the headers."""
    document = octets(package["granted"])
    device_key = serialization.load_der_public_key(octets(met["device_key"]))
    message = b"kuramori/v1/granted-request\0" + document
    require(es256_verify(device_key, octets(package["signature"]), message), "not signed by the recorder")
    granted = read_canonical(document)
    require(set(granted) - {"outputs"} == GRANTED_MEMBERS, "members")
    require((granted["kuramori"], granted["version"]) == ("granted request", 1), "not a granted request")
    require(octets(granted["recorder_id"]).hex() == met["recorder_id"], "another recorder")
    entry, salt, body = (octets(package[f"decided_{name}"]) for name in ("entry", "salt", "body"))
    said = read_canonical(entry)
    require(said["kind"] == "decided" and said["request"] == granted["request"], "another entry")
    require(said["person"] == granted["decision"]["person"], "somebody else's decision")
    require(said["body_digest"] == sha256(salt + body).hex(), "another body")
    require(json.loads(body)["granted"] == granted, "another decision")
    require(included(entry, said["index"], tree, [octets(part) for part in package["decided_path"]]), "not registered")
    return granted, check_headers(granted, [Header(octets(one)) for one in package["headers"]], known)


def check_headers(granted: Any, headers: list[Header], known: dict[int, str]) -> list[Header]:
    """Section 4."""
    names = {one["number"]: one["name"] for one in granted["cameras"]}
    require(len(names) == len(granted["cameras"]) == len(set(names.values())), "cameras")
    require(all(known.get(number, name) == name for number, name in names.items()), "camera renamed")
    wanted = {octets(one["segment_uid"]): one for one in granted["segments"]}
    require(len(wanted) == len(granted["segments"]), "a segment twice")
    for header in headers:
        segment = wanted.pop(header.uid, None)
        if segment is None:
            raise Refused("outside the grant")
        require(set(segment) - {"custodian_set_id"} == SEGMENT_MEMBERS, "members of a segment")
        require(sha256(header.block) == octets(segment["header_digest"]), "another header")
        require(header.recorder_id == octets(granted["recorder_id"]), "another recorder's")
        require((header.camera, header.sequence) == (segment["camera_number"], segment["sequence"]), "another place")
        require(names.get(header.camera) == header.name, "another camera")
        require("custodian_set_id" in segment or header.k == segment["threshold"], "another threshold")
        require(not header.undated, "time unknown")
    require(not wanted, "headers are missing")
    ordered = sorted(headers, key=lambda one: (one.camera, one.start_utc_ms))
    for header, following in zip(ordered, [*ordered[1:], None], strict=False):
        end = header.start_utc_ms + SPAN_MOST_MS
        if following is not None and following.camera == header.camera:
            end = min(end, following.start_utc_ms)
        inside = header.start_utc_ms < granted["to_utc_ms"] and end > granted["from_utc_ms"] - REACH_BACK_MS
        require(inside, "another time")
    return headers


def approval(
    granted: Any,
    document: bytes,
    headers: list[Header],
    keys: Keys,
    utc_ms: int,
    ephemerals: list[X25519PrivateKey] | None = None,
) -> bytes:
    """Section 5: return the approval's bytes."""
    digest = sha256(document)
    handed = {octets(one["segment_uid"]) for one in granted["segments"] if "custodian_set_id" in one}
    shares = []
    for header in headers:
        own = header.own_share(keys.custodian_id)
        if own is None or header.uid in handed:
            continue
        number, sealed = own
        plain = hpke_open(sealed, keys.opening_private, b"kuramori/v1/share" + header.facts(number))
        require(len(plain) == 33 and plain[0] == number, "another share")
        info = b"kuramori/v1/extraction" + digest + header.uid + keys.custodian_id
        ephemeral = ephemerals[len(shares)] if ephemerals else None
        resealed = hpke_seal(plain, octets(granted["extraction_key"]), info, ephemeral)
        shares.append({"segment_uid": text_of(header.uid), "sealed": text_of(resealed)})
    require(shares, "no share of these")
    return canonical(
        {
            "kuramori": "approval",
            "version": 1,
            "request": granted["request"],
            "granted_digest": text_of(digest),
            "custodian_id": text_of(keys.custodian_id),
            "utc_ms": utc_ms,
            "shares": shares,
        }
    )


def signed_bytes(document: bytes) -> bytes:
    """What the custodian signs."""
    return b"kuramori/v1/approval\0" + document
