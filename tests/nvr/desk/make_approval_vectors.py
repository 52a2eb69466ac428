"""Makes the test vectors of approvals, the same bytes every time, from APPROVALS.md and the RFCs alone.

Run: .venv/bin/python -m tests.nvr.desk.make_approval_vectors  (writes nvr/kuramori/desk/approvals.json)

It imports nothing of ours; custodians and a sealed segment are those of the custody vectors.
"""

import base64
import hashlib
import json
import struct
from pathlib import Path
from typing import Any

from crc32c import crc32c
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.segments.make_custody_vectors import VECTORS_FILE as CUSTODY_FILE
from tests.segments.make_custody_vectors import bound_facts, canonical, es256, fixed, hpke_seal

VECTORS_FILE = Path(__file__).parents[3] / "nvr" / "kuramori" / "desk" / "approvals.json"
CAMERA = "north-gate"
NUMBER = "20261001-1"
DECIDED_UTC_MS = 1_790_000_900_000


def text(data: bytes) -> str:
    """Return base64."""
    return base64.b64encode(data).decode()


def sha256(data: bytes) -> bytes:
    """Return the digest."""
    return hashlib.sha256(data).digest()


def signing_key(label: str) -> ec.EllipticCurvePrivateKey:
    """Return a P-256 key that is always the same."""
    return ec.derive_private_key(int.from_bytes(fixed(label), "big") >> 1, ec.SECP256R1())


def header(segment: dict[str, Any]) -> bytes:
    """Return a segment's header (APPROVALS.md section 4, FORMAT.md section 3)."""
    binding, block = segment["binding"], bytearray(4096)
    name = CAMERA.encode()
    struct.pack_into("<8sHHBBBBB", block, 0, b"KRMSEG\x01\n", 1, 1, 1, 1, 0, 1, 1)
    struct.pack_into("<I16s16s16s", block, 20, binding["camera_number"], *(bytes.fromhex(binding[one]) for one in _IDS))
    struct.pack_into("<QqQQ", block, 72, binding["sequence"], binding["start_utc_ms"], 1000, 1)
    block[136:168] = fixed("key commitment")
    block[168:184] = bytes.fromhex(binding["custodian_set_id"])
    block[184:187] = bytes([binding["k"], binding["n"], len(name)])
    block[192 : 192 + len(name)] = name
    block[256:336] = bytes.fromhex(segment["recovery_seal"])
    for place, share in enumerate(segment["shares"]):
        row = bytes.fromhex(share["custodian_id"]) + bytes.fromhex(share["sealed"])
        block[384 + 112 * place : 384 + 112 * place + len(row)] = row
    struct.pack_into("<I", block, 4092, crc32c(bytes(block[:4092])))
    return bytes(block)


_IDS = ("recorder_id", "segment_uid", "epoch_id")


def granted_request(segment: dict[str, Any], block: bytes, extraction_public: bytes) -> dict[str, Any]:
    """Return the granted request."""
    binding = segment["binding"]
    start = binding["start_utc_ms"]
    return {
        "kuramori": "granted request",
        "version": 1,
        "recorder_id": text(bytes.fromhex(binding["recorder_id"])),
        "site": "北小学校 通学路",
        "request": NUMBER,
        "revision": 1,
        "cameras": [{"name": CAMERA, "number": binding["camera_number"], "place": '北門 "A" / 東側'}],
        "from_utc_ms": start + 60_000,
        "to_utc_ms": start + 600_000,
        "rule_set": "HOK",
        "ground": "investigation",
        "document_number": "捜査第123号",
        "recipient": {
            "kind": "authority",
            "organisation": "北警察署",
            "title": "巡査部長",
            "name": "高橋 七郎",
            "contact": "000-000-0000",
            "identity_check": "警察手帳",
        },
        "purpose": "窃盗事件の捜査",
        "conditions": "目的達成後は速やかに消去すること",
        "requester": "田中 次郎",
        "decision": {"outcome": "granted", "person": "佐藤 花子", "reason": "要件を満たす", "utc_ms": DECIDED_UTC_MS},
        "extraction_key": text(extraction_public),
        "segments": [
            {
                "camera_number": binding["camera_number"],
                "segment_uid": text(bytes.fromhex(binding["segment_uid"])),
                "sequence": binding["sequence"],
                "header_digest": text(sha256(block)),
                "threshold": binding["k"],
            }
        ],
    }


def registered(granted: dict[str, Any], signature: bytes, recorder_id: str) -> dict[str, Any]:
    """Return a register of three entries, the decision its second one, with proof and checkpoint."""
    salt = fixed("salt")
    body = canonical({"outcome": "granted", "reason": "要件を満たす", "granted": granted, "signature": text(signature)})
    bodies = [fixed("first body"), salt + body, fixed("third body")]
    said = [("filed", "田中 次郎"), ("decided", "佐藤 花子"), ("hold_placed", None)]
    entries = [
        canonical(
            {
                "index": index,
                "utc_ms": DECIDED_UTC_MS + index,
                "kind": kind,
                "request": NUMBER,
                "person": person,
                "body_digest": sha256(bodies[index]).hex(),
            }
        )
        for index, (kind, person) in enumerate(said)
    ]
    leaves = [sha256(b"\x00" + entry) for entry in entries]
    root = sha256(b"\x01" + sha256(b"\x01" + leaves[0] + leaves[1]) + leaves[2])
    key = Ed25519PrivateKey.from_private_bytes(fixed("register key"))
    public, name = b"\x01" + key.public_key().public_bytes_raw(), f"kuramori/register/v1/{recorder_id}"
    key_id = sha256(name.encode() + b"\n" + public)[:4]
    note = f"{name}\n3\n{text(root)}\n"
    return {
        "verifier": f"{name}+{key_id.hex()}+{text(public)}",
        "entry": text(entries[1]),
        "salt": text(salt),
        "body": text(body),
        "path": [text(leaves[0]), text(leaves[2])],
        "checkpoint": f"{note}\n\u2014 {name} {text(key_id + key.sign(note.encode()))}\n",
    }


def approved_by(person: dict[str, Any], segment: dict[str, Any], granted: bytes, extraction_public: bytes) -> Any:
    """Return what a custodian signs and hands in, with every step on the way."""
    binding, custodian_id = segment["binding"], bytes.fromhex(person["custodian_id"])
    (share,) = [one for one in segment["shares"] if one["custodian_id"] == person["custodian_id"]]
    uid = bytes.fromhex(binding["segment_uid"])
    info = b"kuramori/v1/extraction" + sha256(granted) + uid + custodian_id
    plain, ephemeral = bytes([share["x"]]) + bytes.fromhex(share["y"]), fixed(f"approval {share['x']}")
    document = canonical(
        {
            "kuramori": "approval",
            "version": 1,
            "request": NUMBER,
            "granted_digest": text(sha256(granted)),
            "custodian_id": text(custodian_id),
            "utc_ms": DECIDED_UTC_MS + 60_000,
            "shares": [
                {"segment_uid": text(uid), "sealed": text(hpke_seal(plain, extraction_public, info, ephemeral))}
            ],
        }
    )
    signing = ec.derive_private_key(int(person["signing_private"], 16), ec.SECP256R1())
    return {
        "custodian_id": person["custodian_id"],
        "card": person["card"],
        "opening_private": person["opening_private"],
        "signing_private": person["signing_private"],
        "opening_info": (b"kuramori/v1/share" + bound_facts(binding, share["x"])).hex(),
        "opened": plain.hex(),
        "sealing_info": info.hex(),
        "ephemeral_private": ephemeral.hex(),
        "approval": text(document),
        "signature": text(es256(signing, b"kuramori/v1/approval\0" + document)),
    }


def vectors() -> dict[str, Any]:
    """Return all of it."""
    custody = json.loads(CUSTODY_FILE.read_bytes())
    segment = custody["segments"][0]
    device, extraction = signing_key("device key"), X25519PrivateKey.from_private_bytes(fixed("extraction key"))
    public, block = extraction.public_key().public_bytes_raw(), header(segment)
    granted = granted_request(segment, block, public)
    document = canonical(granted)
    signature = es256(device, b"kuramori/v1/granted-request\0" + document)
    register = registered(granted, signature, segment["binding"]["recorder_id"])
    return {
        "format_version": 1,
        "checkpoint_facts": {
            "recorder_id": segment["binding"]["recorder_id"],
            "site": granted["site"],
            "device_key": text(device.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)),
            "verifier": register["verifier"],
            "checkpoint": register["checkpoint"],
        },
        "package": {
            "granted": text(document),
            "signature": text(signature),
            **{f"decided_{name}": register[name] for name in ("entry", "salt", "body", "path")},
            "headers": [text(block)],
            "checkpoint": register["checkpoint"],
            "chain": "",
            "handed": [],
        },
        "granted_digest": sha256(document).hex(),
        "extraction_private": fixed("extraction key").hex(),
        "dek": segment["dek"],
        "approvals": [approved_by(person, segment, document, public) for person in custody["custodians"][:2]],
    }


def main() -> None:
    """Write the file."""
    VECTORS_FILE.write_text(json.dumps(vectors(), ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
