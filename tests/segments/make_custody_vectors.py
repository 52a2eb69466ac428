"""Makes the test vectors of custody, the same bytes every time, from KEYS.md and the RFCs alone.

Run: .venv/bin/python -m tests.segments.make_custody_vectors  (writes segments/vectors/custody.json)

It imports nothing of ours: sharing, canonical JSON, HPKE (RFC 9180) and HKDF (RFC 5869) are written out here as in
the books, slowly. So a vector that our code opens was made by somebody else.
"""

import hashlib
import hmac
import json
import struct
from base64 import b64encode
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

VECTORS_FILE = Path(__file__).parents[2] / "segments" / "vectors" / "custody.json"
CREATED_UTC_MS = 1_790_000_000_000
EXPIRES_UTC_MS = 1_884_608_000_000
PEOPLE = (("佐藤 花子", "市民安全課長"), ("鈴木 一郎", "防犯係長"), ("O'Brien, Zoë", "auditor"))


def fixed(label: str, length: int = 32) -> bytes:
    """Return bytes that look random and are always the same."""
    return hashlib.shake_256(b"kuramori custody vectors: " + label.encode()).digest(length)


# ---- RFC 5869, RFC 9180 (base mode, single shot) -----------------------------------------------------------


def extract(salt: bytes, material: bytes) -> bytes:
    """HKDF-Extract."""
    return hmac.digest(salt, material, "sha256")


def expand(key: bytes, info: bytes, length: int) -> bytes:
    """HKDF-Expand."""
    block, output, counter = b"", b"", 0
    while len(output) < length:
        counter += 1
        block = hmac.digest(key, block + info + bytes([counter]), "sha256")
        output += block
    return output[:length]


KEM_SUITE = b"KEM" + struct.pack(">H", 0x0020)  # DHKEM(X25519, HKDF-SHA256)
HPKE_SUITE = b"HPKE" + struct.pack(">HHH", 0x0020, 0x0001, 0x0002)  # HKDF-SHA256, AES-256-GCM


def labeled_extract(suite: bytes, salt: bytes, label: bytes, material: bytes) -> bytes:
    """RFC 9180 section 4."""
    return extract(salt, b"HPKE-v1" + suite + label + material)


def labeled_expand(suite: bytes, key: bytes, label: bytes, info: bytes, length: int) -> bytes:
    """RFC 9180 section 4."""
    return expand(key, struct.pack(">H", length) + b"HPKE-v1" + suite + label + info, length)


def hpke_seal(plain: bytes, public: bytes, info: bytes, ephemeral: bytes) -> bytes:
    """Return enc and ciphertext (RFC 9180 sections 4.1 and 5.1.1)."""
    sender = X25519PrivateKey.from_private_bytes(ephemeral)
    enc = sender.public_key().public_bytes_raw()
    dh = sender.exchange(X25519PublicKey.from_public_bytes(public))
    prk = labeled_extract(KEM_SUITE, b"", b"eae_prk", dh)
    shared = labeled_expand(KEM_SUITE, prk, b"shared_secret", enc + public, 32)
    id_hash = labeled_extract(HPKE_SUITE, b"", b"psk_id_hash", b"")
    info_hash = labeled_extract(HPKE_SUITE, b"", b"info_hash", info)
    context = b"\x00" + id_hash + info_hash
    secret = labeled_extract(HPKE_SUITE, shared, b"secret", b"")
    key = labeled_expand(HPKE_SUITE, secret, b"key", context, 32)
    nonce = labeled_expand(HPKE_SUITE, secret, b"base_nonce", context, 12)
    return enc + AESGCM(key).encrypt(nonce, plain, b"")


# ---- KEYS.md, "Shares" -------------------------------------------------------------------------------------


def times(a: int, b: int) -> int:
    """Multiply in GF(256), polynomial 0x11B."""
    product = 0
    for bit in range(8):
        if b >> bit & 1:
            product ^= a
        a = (a << 1) ^ (0x11B if a & 0x80 else 0)
    return product


def share_of(coefficients: list[bytes], x: int) -> bytes:
    """Return y(x): the secret, plus each coefficient times a power of x."""
    values = []
    for place in range(32):
        value, power = 0, 1
        for coefficient in coefficients:
            value ^= times(coefficient[place], power)
            power = times(power, x)
        values.append(value)
    return bytes(values)


def split(secret: bytes, k: int, n: int, label: str) -> list[bytes]:
    """Return y(1) to y(n)."""
    coefficients = [secret, *(fixed(f"{label} coefficient {power}") for power in range(1, k))]
    return [share_of(coefficients, x) for x in range(1, n + 1)]


# ---- KEYS.md, "Cards" --------------------------------------------------------------------------------------


def canonical(value: Any) -> bytes:
    """Return canonical JSON; all names here are plain ASCII, so sorting them is simple."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def base64(data: bytes) -> str:
    """Return base64 text."""
    return b64encode(data).decode()


def opening_key(label: str) -> tuple[bytes, bytes, Ed25519PrivateKey]:
    """Return the private and public X25519 key and the Ed25519 key of one seed."""
    seed = fixed(label)
    private = hashlib.sha512(seed).digest()[:32]
    public = X25519PrivateKey.from_private_bytes(private).public_key().public_bytes_raw()
    return private, public, Ed25519PrivateKey.from_private_bytes(seed)


def possession(key: Ed25519PrivateKey, label: bytes, body: dict[str, Any]) -> str:
    """Return the proof: Ed25519 key and signature."""
    return base64(key.public_key().public_bytes_raw() + key.sign(label + canonical(body)))


def es256(key: ec.EllipticCurvePrivateKey, message: bytes) -> bytes:
    """Return a signature that is always the same (RFC 6979)."""
    r, s = decode_dss_signature(key.sign(message, ec.ECDSA(SHA256(), deterministic_signing=True)))
    return r.to_bytes(32, "big") + s.to_bytes(32, "big")


def custodian(number: int) -> dict[str, Any]:
    """Return a custodian: private keys, card, id and fingerprint."""
    name, title = PEOPLE[number - 1]
    private, public, proof_key = opening_key(f"custodian {number} opening")
    signing = ec.derive_private_key(int.from_bytes(fixed(f"custodian {number} signing"), "big") >> 1, ec.SECP256R1())
    point = signing.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    body = {
        "kuramori": "custodian card",
        "version": 1,
        "name": name,
        "title": title,
        "opening_key": base64(public),
        "signing_key": base64(point),
        "created_utc_ms": CREATED_UTC_MS,
        "expires_utc_ms": EXPIRES_UTC_MS,
    }
    proven = body | {"possession": possession(proof_key, b"kuramori/v1/card-possession\0", body)}
    signature = es256(signing, b"kuramori/v1/card-signature\0" + canonical(proven))
    return {
        "opening_private": private.hex(),
        "opening_public": public.hex(),
        "signing_private": f"{signing.private_numbers().private_value:064x}",
        "custodian_id": hashlib.sha256(b"kuramori/v1/custodian" + public + point).digest()[:16].hex(),
        "fingerprint": fingerprint(b"kuramori/v1/card-fingerprint\0", body),
        "card": proven | {"signature": base64(signature)},
    }


def fingerprint(label: bytes, body: dict[str, Any]) -> str:
    """Return eight groups of four digits."""
    digits = hashlib.sha256(label + canonical(body)).hexdigest()[:32]
    return " ".join(digits[start : start + 4] for start in range(0, 32, 4))


def recovery() -> dict[str, Any]:
    """Return the recovery key: private half, card and fingerprint."""
    private, public, proof_key = opening_key("recovery opening")
    body = {
        "kuramori": "recovery card",
        "version": 1,
        "opening_key": base64(public),
        "created_utc_ms": CREATED_UTC_MS,
        "threshold": 2,
        "sheets": 3,
    }
    card = body | {"possession": possession(proof_key, b"kuramori/v1/recovery-possession\0", body)}
    return {
        "opening_private": private.hex(),
        "opening_public": public.hex(),
        "fingerprint": fingerprint(b"kuramori/v1/recovery-fingerprint\0", body),
        "card": card,
    }


# ---- the vectors -------------------------------------------------------------------------------------------


def bound_facts(binding: dict[str, Any], share_number: int) -> bytes:
    """Return what every seal of a segment names (KEYS.md, "Sealing")."""
    return (
        bytes.fromhex(binding["recorder_id"])
        + struct.pack("<I", binding["camera_number"])
        + bytes.fromhex(binding["epoch_id"])
        + struct.pack("<Qq", binding["sequence"], binding["start_utc_ms"])
        + bytes.fromhex(binding["custodian_set_id"])
        + bytes([binding["k"], binding["n"], share_number])
        + bytes.fromhex(binding["segment_uid"])
    )


def sealed_segment(people: list[dict[str, Any]], paper: dict[str, Any], set_id: str, number: int) -> dict[str, Any]:
    """Return one segment's DEK, sealed, opened, sealed again for a request."""
    name = f"segment {number}"
    binding = {
        "recorder_id": fixed("recorder", 16).hex(),
        "camera_number": number,
        "epoch_id": fixed(f"{name} epoch", 16).hex(),
        "sequence": 1 << (number * 8),
        "start_utc_ms": CREATED_UTC_MS + number,
        "custodian_set_id": set_id,
        "k": 2,
        "n": len(people),
        "segment_uid": fixed(f"{name} uid", 16).hex(),
    }
    dek, digest = fixed(f"{name} dek"), fixed(f"{name} request")
    extraction = X25519PrivateKey.from_private_bytes(fixed(f"{name} extraction"))
    extraction_public = extraction.public_key().public_bytes_raw()
    uid = bytes.fromhex(binding["segment_uid"])
    shares = []
    for x, (person, y) in enumerate(zip(people, split(dek, 2, len(people), name), strict=True), start=1):
        info = b"kuramori/v1/share" + bound_facts(binding, x)
        again = b"kuramori/v1/extraction" + digest + uid + bytes.fromhex(person["custodian_id"])
        plain = bytes([x]) + y
        sealed = hpke_seal(plain, bytes.fromhex(person["opening_public"]), info, fixed(f"{name} share {x}"))
        resealed = hpke_seal(plain, extraction_public, again, fixed(f"{name} resealed {x}"))
        shares.append(
            {
                "custodian_id": person["custodian_id"],
                "info": info.hex(),
                "sealed": sealed.hex(),
                "x": x,
                "y": y.hex(),
                "extraction_info": again.hex(),
                "resealed": resealed.hex(),
            }
        )
    info = b"kuramori/v1/recovery" + bound_facts(binding, 0)
    again = b"kuramori/v1/extraction-recovery" + digest + uid
    return {
        "binding": binding,
        "dek": dek.hex(),
        "request_digest": digest.hex(),
        "extraction_private": fixed(f"{name} extraction").hex(),
        "extraction_public": extraction_public.hex(),
        "shares": shares,
        "recovery_info": info.hex(),
        "recovery_seal": hpke_seal(dek, bytes.fromhex(paper["opening_public"]), info, fixed(f"{name} recovery")).hex(),
        "extraction_recovery_info": again.hex(),
        "resealed_dek": hpke_seal(dek, extraction_public, again, fixed(f"{name} resealed dek")).hex(),
    }


def handed_on(
    people: list[dict[str, Any]], paper: dict[str, Any], segment: dict[str, Any], givers: tuple[int, ...]
) -> dict[str, Any]:
    """Return one segment handed on by old share numbers `givers` to the first and last of the people, both needed."""
    receivers = [people[0], people[-1]]
    new_set = {
        "kuramori": "custodian set",
        "version": 1,
        "threshold": 2,
        "custodians": [person["card"] for person in receivers],
        "recovery": paper["card"],
    }
    set_id = hashlib.sha256(canonical(new_set)).digest()[:16]
    contributions = []
    for i in givers:
        y = bytes.fromhex(segment["shares"][i - 1]["y"])
        facts = bound_facts(segment["binding"], i) + set_id + bytes([2, 2])
        whole_info = b"kuramori/v1/hand-on-recovery" + facts + bytes([0])
        whole = hpke_seal(bytes([i]) + y, bytes.fromhex(paper["opening_public"]), whole_info, fixed(f"whole {i}"))
        pieces, infos = whole, []
        for j, (person, part) in enumerate(zip(receivers, split(y, 2, 2, f"handed on {i}"), strict=True), start=1):
            info = b"kuramori/v1/hand-on" + facts + bytes([j])
            public = bytes.fromhex(person["opening_public"])
            pieces += hpke_seal(bytes([j]) + part, public, info, fixed(f"piece {i} {j}"))
            infos.append(info.hex())
        signing = ec.derive_private_key(int(people[i - 1]["signing_private"], 16), ec.SECP256R1())
        statement = b"kuramori/v1/hand-on-signature\0" + facts + bytes([0]) + pieces
        contributions.append(
            {
                "number": i,
                "recovery_info": whole_info.hex(),
                "piece_infos": infos,
                "pieces": pieces.hex(),
                "statement_head": (b"kuramori/v1/hand-on-signature\0" + facts + bytes([0])).hex(),
                "signature": es256(signing, statement).hex(),
            }
        )
    return {
        "segment": 1,
        "set": new_set,
        "set_id": set_id.hex(),
        "receivers": [0, len(people) - 1],
        "contributions": contributions,
    }


def bad_shares(people: list[dict[str, Any]], segment: dict[str, Any]) -> list[dict[str, str]]:
    """Return sealed shares of share 1 that must be refused."""
    first = segment["shares"][0]
    public, info = bytes.fromhex(people[0]["opening_public"]), bytes.fromhex(first["info"])
    good, y = bytes.fromhex(first["sealed"]), bytes.fromhex(first["y"])

    def sealed(plain: bytes, with_info: bytes = info) -> bytes:
        return hpke_seal(plain, public, with_info, fixed("bad share"))

    other_info = b"kuramori/v1/share" + bound_facts(segment["binding"] | {"sequence": 0}, 1)
    return [
        {"what": what, "sealed": data.hex()}
        for what, data in (
            ("one bit of the encapsulated key", bytes([good[0] ^ 1]) + good[1:]),
            ("one bit of the ciphertext", good[:40] + bytes([good[40] ^ 1]) + good[41:]),
            ("one bit of the tag", good[:-1] + bytes([good[-1] ^ 1])),
            ("cut by one byte", good[:-1]),
            ("one byte too many", good + b"\0"),
            ("empty", b""),
            ("encapsulated key of small order", bytes(32) + good[32:]),
            ("sealed for another sequence number", sealed(b"\x01" + y, other_info)),
            ("sealed for recovery", sealed(b"\x01" + y, bytes.fromhex(segment["recovery_info"]))),
            ("holds share 2 in place of share 1", sealed(b"\x02" + y)),
            ("holds x = 0", sealed(b"\x00" + y)),
            ("holds 31 bytes", sealed(b"\x01" + y[:-1])),
            ("holds 33 bytes", sealed(b"\x01" + y + b"\0")),
        )
    ]


def bad_cards(people: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return cards that must be refused, each with the kind of refusal."""
    good, other = people[0]["card"], people[1]["card"]
    return [
        {"what": what, "refusal": refusal, "card": card}
        for what, refusal, card in (
            ("another name", "forged", good | {"name": "佐藤 花代"}),
            ("another expiry", "forged", good | {"expires_utc_ms": EXPIRES_UTC_MS + 1}),
            ("another's opening key", "forged", good | {"opening_key": other["opening_key"]}),
            ("another's signing key", "forged", good | {"signing_key": other["signing_key"]}),
            ("another's possession", "forged", good | {"possession": other["possession"]}),
            ("another's signature", "forged", good | {"signature": other["signature"]}),
            ("an opening key of small order", "forged", good | {"opening_key": base64(bytes(32))}),
            ("a field too many", "unreadable", good | {"note": "trust me"}),
            ("a field too few", "unreadable", {name: good[name] for name in good if name != "title"}),
            ("another version", "unreadable", good | {"version": 2}),
            ("another kind", "unreadable", good | {"kuramori": "recovery card"}),
            ("a name with a line break", "unreadable", good | {"name": "佐藤\n花子"}),
            ("a key of 31 bytes", "unreadable", good | {"opening_key": base64(bytes(31))}),
            ("base64 with bits left over", "unreadable", good | {"signature": good["signature"][:-3] + "B=="}),
        )
    ]


def sharings() -> list[dict[str, Any]]:
    """Return secrets and their shares for several k of n."""
    found = []
    for k, n in ((2, 2), (2, 3), (3, 5), (16, 16)):
        secret = fixed(f"sharing {k} of {n}")
        ys = split(secret, k, n, f"sharing {k} of {n}")
        found.append({"k": k, "n": n, "secret": secret.hex(), "shares": [y.hex() for y in ys]})
    return found


def make_vectors() -> bytes:
    """Return the file."""
    people = sorted((custodian(number) for number in (1, 2, 3)), key=lambda person: str(person["custodian_id"]))
    paper = recovery()
    custodian_set = {
        "kuramori": "custodian set",
        "version": 1,
        "threshold": 2,
        "custodians": [person["card"] for person in people],
        "recovery": paper["card"],
    }
    set_id = hashlib.sha256(canonical(custodian_set)).hexdigest()[:32]
    segments = [sealed_segment(people, paper, set_id, number) for number in (1, 2)]
    document = {
        "format_version": 1,
        "custodians": people,
        "recovery": paper,
        "custodian_set": custodian_set,
        "custodian_set_id": set_id,
        "sharings": sharings(),
        "segments": segments,
        "handed_on": handed_on(people, paper, segments[0], (1, 3)),
        "bad_shares": bad_shares(people, segments[0]),
        "bad_cards": bad_cards(people),
    }
    return json.dumps(document, ensure_ascii=False, indent=1).encode() + b"\n"


if __name__ == "__main__":
    VECTORS_FILE.write_bytes(make_vectors())
