"""APPROVALS.md is enough: its vectors are made without our code, ours takes them, and a second client approves."""

import ast
import asyncio
import base64
import json
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_der_public_key

from kuramori.api.package_view import PackageView
from kuramori.desk.approval import check_approval, signed_message
from kuramori.desk.combining import combine_shares
from kuramori.desk.extraction_key import ExtractionKey
from kuramori.desk.granted import read_granted
from kuramori.desk.package import review
from kuramori.desk.signed_note import NoteVerifier, open_checkpoint
from kuramori.wire import from_plain
from kuramori_segments.custodian_card import card_from_value
from kuramori_segments.custodian_key import CustodianKey
from tests.fakes.desk_room import HANDLER, DeskRoom
from tests.fakes.desk_steps import content, filed, granted, handed_deks, open_bundle, raw
from tests.fakes.key_holders import custodian, keys_of
from tests.nvr.desk import second_client
from tests.nvr.desk.make_approval_vectors import VECTORS_FILE, vectors
from tests.nvr.desk.second_client import Header, Keys, Memory, Refused, approval, check, es256_sign, signed_bytes

VECTORS: dict[str, Any] = json.loads(VECTORS_FILE.read_bytes())
FOLDER = Path(__file__).parent


@pytest.fixture
async def room(tmp_path: Path) -> AsyncIterator[DeskRoom]:
    """A desk with a recorder that has recorded."""
    async with DeskRoom(tmp_path) as made:
        yield made


def keys_for(key: CustodianKey) -> Keys:
    """Return a custodian's keys as another client has them."""
    return Keys(key.custodian_id, key.opening_private, key.signing_private)


def imported(path: Path) -> set[str]:
    """Return the top names of all modules that a file imports."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    names = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    names |= {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    return {name.partition(".")[0] for name in names}


def test_the_second_client_imports_nothing_of_ours() -> None:
    """The standard library and primitives; the makers of the vectors likewise."""
    assert imported(FOLDER / "second_client.py") <= {"cryptography"} | sys.stdlib_module_names
    makers = (FOLDER / "make_approval_vectors.py", FOLDER.parents[1] / "segments" / "make_custody_vectors.py")
    for maker in makers:
        assert imported(maker) <= {"cryptography", "crc32c", "tests"} | sys.stdlib_module_names


def test_the_generator_reproduces_the_file_byte_for_byte() -> None:
    """What lies beside the page is what make_approval_vectors makes."""
    assert json.dumps(vectors(), ensure_ascii=False, indent=1) + "\n" == VECTORS_FILE.read_text(encoding="utf-8")


def test_our_client_and_desk_take_the_vectors() -> None:
    """The package passes review; both approvals count; the shares in them are the segment's key."""
    facts, package = VECTORS["checkpoint_facts"], from_plain(PackageView, VECTORS["package"]).package()
    device_key = load_der_public_key(raw(facts["device_key"]))
    assert isinstance(device_key, ec.EllipticCurvePublicKey)
    checkpoint = open_checkpoint(package.checkpoint, NoteVerifier.parse(facts["verifier"]))
    reviewed = review(package, device_key=device_key, checkpoint=checkpoint, camera_names={})
    assert reviewed.granted.digest.hex() == VECTORS["granted_digest"]
    cards = [card_from_value(one["card"]) for one in VECTORS["approvals"]]
    documents = [raw(one["approval"]) for one in VECTORS["approvals"]]
    for document, one in zip(documents, VECTORS["approvals"], strict=True):
        found, card = check_approval(document, raw(one["signature"]), reviewed.granted, cards)
        assert (found.to_bytes(), card.custodian_id.hex()) == (document, one["custodian_id"])
        assert signed_message(document) == signed_bytes(document)
    key = ExtractionKey(bytes.fromhex(VECTORS["extraction_private"]))
    (dek,) = combine_shares(package.granted, documents, key).values()
    assert dek.hex() == VECTORS["dek"]


@pytest.mark.parametrize("expected", VECTORS["approvals"], ids=["first", "second"])
def test_the_second_client_makes_the_vectors(expected: dict[str, Any]) -> None:
    """The same package, key and ephemeral key give the same approval and signature."""
    package, facts = VECTORS["package"], VECTORS["checkpoint_facts"]
    tree = second_client.open_checkpoint(package["checkpoint"], facts["verifier"])
    found, headers = check(package, facts, tree, {})
    signing = ec.derive_private_key(int(expected["signing_private"], 16), ec.SECP256R1())
    keys = Keys(bytes.fromhex(expected["custodian_id"]), bytes.fromhex(expected["opening_private"]), signing)
    ephemeral = X25519PrivateKey.from_private_bytes(bytes.fromhex(expected["ephemeral_private"]))
    utc_ms = json.loads(raw(expected["approval"]))["utc_ms"]
    document = approval(found, raw(package["granted"]), headers, keys, utc_ms, [ephemeral])
    assert base64.b64encode(document).decode() == expected["approval"]
    assert base64.b64encode(es256_sign(signing, signed_bytes(document))).decode() == expected["signature"]


async def test_the_second_client_approves_at_the_desk(room: DeskRoom) -> None:
    """Two custodians with it: the request is approved, and what they sealed opens the clip."""
    number, memory = await granted(room, cameras=["gate", "park"]), Memory()
    for missing, key in zip((1, 0), keys_of(room.custodians), strict=False):
        status, answer = await asyncio.to_thread(
            second_client.approve, str(room.socket), number, keys_for(key), memory, room.clock.utc_ms()
        )
        assert (status, answer["missing_approvals"]) == (201, missing)
    assert memory.cameras == {1: "gate", 2: "park"}
    assert (await open_bundle(room, number, await handed_deks(room, number))).status_code == 200


async def test_it_goes_on_from_the_register_that_it_saw(room: DeskRoom) -> None:
    """A later request is approved with a consistency proof; a forged memory of the register is refused."""
    memory, key = Memory(), keys_for(custodian("custodian 1"))
    for _ in range(2):
        number = await granted(room)
        path = str(room.socket)
        status, _ = await asyncio.to_thread(second_client.approve, path, number, key, memory, room.clock.utc_ms())
        assert status == 201
    number = await granted(room)
    other = Memory(memory.device_key, memory.verifier, VECTORS["package"]["checkpoint"])
    with pytest.raises(Refused, match="checkpoint"):
        await asyncio.to_thread(second_client.approve, path, number, key, other, room.clock.utc_ms())


async def test_the_second_client_refuses_what_the_page_says(room: DeskRoom) -> None:
    """Every check of the page, with one thing in the package wrong at a time."""
    number, key = await granted(room), custodian("custodian 1")
    where = f"/v1/requests/{number}/package"
    package = content(await room.call("GET", where, custodian=key.custodian_id.hex()))
    facts = content(await room.call("GET", "/v1/register/checkpoint"))
    tree = second_client.open_checkpoint(package["checkpoint"], facts["verifier"])
    check(package, facts, tree, {1: "gate"})
    header = bytearray(raw(package["headers"][0]))
    header[80] ^= 1
    spaced = base64.b64encode(raw(package["granted"]).replace(b'","', b'", "', 1)).decode()
    wrong: list[tuple[dict[str, Any], str]] = [
        ({"granted": spaced}, "signed"),
        ({"signature": base64.b64encode(bytes(64)).decode()}, "signed"),
        ({"decided_salt": base64.b64encode(bytes(32)).decode()}, "another body"),
        ({"decided_path": []}, "not registered"),
        ({"headers": []}, "missing"),
        ({"headers": package["headers"] * 2}, "outside"),
        ({"headers": [base64.b64encode(bytes(header)).decode()]}, "another header"),
    ]
    for changed, said in wrong:
        with pytest.raises(Refused, match=said):
            check({**package, **changed}, facts, tree, {})
    with pytest.raises(Refused, match="renamed"):
        check(package, facts, tree, {1: "kitchen"})
    late = read_granted(raw(package["granted"]))
    with pytest.raises(Refused, match="another time"):
        second_client.check_headers(
            {**json.loads(raw(package["granted"])), "from_utc_ms": late.to_utc_ms + 4_000_000, "to_utc_ms": 1 << 52},
            [Header(raw(one)) for one in package["headers"]],
            {},
        )


async def test_there_is_no_package_before_the_decision(room: DeskRoom) -> None:
    """The second client is told so, as ours is."""
    number = await filed(room)
    assert content(await room.call("GET", f"/v1/requests/{number}", HANDLER))["state"] == "filed"
    with pytest.raises(Refused, match="not-in-state"):
        await asyncio.to_thread(
            second_client.approve, str(room.socket), number, keys_for(custodian("custodian 1")), Memory(), 0
        )
