"""An example for every shape of the API, made from its schema: the same one each time, and one that fits.

Values stand by the name of the member, else by what its schema says. Nobody in them exists. Pure; must not know routes.
"""

import base64
import re
from collections.abc import Mapping
from typing import Any

DEPTH_MOST = 12
BEGIN_UTC_MS, END_UTC_MS = 1_795_410_000_000, 1_795_410_600_000  # ten minutes on 23 November 2026
DAY_MS = 24 * 3600 * 1000
_DIGEST = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
_NUMBER = "20261123-1"

# By the name of the member. What is not named here is made from its schema.
NAMED: Mapping[str, Any] = {
    "acknowledged": True,
    "address": "https://192.0.2.17/onvif/device_service",
    "answer": "撮影範囲を確認し、マスクの設定を見直しました。",
    "authenticator_key": "JBSW Y3DP EHPK 3PXP JBSW Y3DP EHPK 3PXP",
    "camera": "gate",
    "cameras": ["gate"],
    "carrier": "Suzuki Ichiro",
    "checkpoint": "kuramori.register/5f0c\n42\nn4bQgYhMfWWaL+qgxVrQFaO/TxsrC4Is0V1sFbDwCgg=\n\n— desk 3q2+7w==\n",
    "code": "287082",
    "conditions": "目的達成後は速やかに消去すること",
    "contact": "000-000-0000",
    "custodian": "0f" * 16,
    "date": "2026-11-23",
    "document_number": "捜査第123号",
    "folder": "/var/lib/kuramori/backup-snapshot",
    "from_utc_ms": BEGIN_UTC_MS,
    "ground": "investigation",
    "handler": "Tanaka Jiro",
    "identified_by": "signed in, 192.0.2.40",
    "identity_check": "警察手帳",
    "installer": "Abe Rokuro",
    "light": "green",
    "medium": "USB 2026-14",
    "method": "shredded",
    "name": "gate",
    "new_password": "seven quiet herons 2026",
    "next": None,
    "organisation": "Kita Police",
    "outcome": "granted",
    "password": "seven quiet herons 2026",
    "path": "/v1/requests",
    "person": "Tanaka Jiro",
    "place": "市役所 防犯課",
    "present": ["Suzuki Ichiro"],
    "purpose": "Theft on 23 November",
    "reason": "the document is in order",
    "recorder_id": "5f" * 16,
    "request": _NUMBER,
    "request_id": _NUMBER,
    "requester": "Tanaka Jiro",
    "retention": "14d",
    "requests": [_NUMBER],
    "result": f"/v1/requests/{_NUMBER}",
    "secrecy": "I keep secret what I learn here, also after I have left.",
    "segment_uid": base64.b64encode(bytes(range(16))).decode(),
    "site": "Kita school route",
    "start_password": "mori-kita-5821-hato",
    "time_zone": "Asia/Tokyo",
    "title": "Sergeant",
    "to_utc_ms": END_UTC_MS,
    "told_by": "Takahashi Shiro",
    "until_utc_ms": BEGIN_UTC_MS + 30 * DAY_MS,
    "volume": "/srv/kuramori/ring-a",
    "witness": "Suzuki Ichiro",
    "witnesses": ["Suzuki Ichiro"],
}
_FITTING = (
    _NUMBER,
    "C20261123-1",
    _DIGEST,
    "5f" * 16,
    "5f" * 8,
    f"sha256:{_DIGEST}",
    "added",
    "gate",
    "2026-11-23",
    "7",
)

# By shape and member, where the name alone does not tell.
OF_SHAPE: Mapping[str, Any] = {
    "ApprovalView.name": "Suzuki Ichiro",
    "ChallengeView.name": "Suzuki Ichiro",
    "CustodianView.name": "Suzuki Ichiro",
    "JobView.code": "",
    "JobView.detail": "",
    "JobView.kind": "bundle",
    "JobView.state": "done",
    "NewTokenView.name": "gauge",
    "Recipient.kind": "authority",
    "Recipient.name": "Takahashi Shiro",
    "RecipientBody.kind": "authority",
    "RecipientBody.name": "Takahashi Shiro",
    "RequestView.state": "granted",
    "StateView.problems": [],
    "StatusView.problems": [],
    "TokenBody.name": "gauge",
    "TokenView.name": "gauge",
}
_OF_ENDING: tuple[tuple[str, str], ...] = (
    ("digest", _DIGEST),
    ("_id", "5f" * 16),
    ("_by", "Sato Hanako"),
    ("fingerprint", "5f0c 91aa 3b77 e210"),
    ("token", "ks_Q2FuJ3QgYmUgdXNlZA"),
)


class Examples:
    """Makes examples for the shapes of one document."""

    def __init__(self, shapes: Mapping[str, Any]) -> None:
        self._shapes = shapes

    def of(self, schema: Mapping[str, Any], name: str = "", depth: int = 0) -> Any:
        """Return an example of a schema, of a member of this name."""
        schema = self._resolved(schema)
        if "const" in schema:
            return schema["const"]
        if "enum" in schema:
            return NAMED[name] if NAMED.get(name) in schema["enum"] else schema["enum"][0]
        if name in NAMED and self._fits(NAMED[name], schema):
            return NAMED[name]
        for choice in ("anyOf", "oneOf", "allOf"):
            if choice in schema:
                return self.of(schema[choice][0], name, depth)
        kind = schema.get("type")
        if kind == "object" or "properties" in schema:
            return self._object(schema, depth)
        if kind == "array":
            return self._array(schema, name, depth)
        return _plain(kind, schema, name)

    def _object(self, schema: Mapping[str, Any], depth: int) -> Any:
        if depth >= DEPTH_MOST:
            return {}
        members = schema.get("properties", {})
        shape = schema.get("title", "")
        found = {
            name: OF_SHAPE[f"{shape}.{name}"] if f"{shape}.{name}" in OF_SHAPE else self.of(member, name, depth + 1)
            for name, member in members.items()
        }
        if not members and isinstance(schema.get("additionalProperties"), Mapping):
            keys = schema.get("propertyNames", {"type": "string"})
            found[str(self.of(keys, "", depth + 1))] = self.of(schema["additionalProperties"], "", depth + 1)
        return found

    def _array(self, schema: Mapping[str, Any], name: str, depth: int) -> Any:
        parts = schema.get("prefixItems")
        if parts is not None:
            return [self.of(part, name, depth + 1) for part in parts]
        if depth >= DEPTH_MOST or not schema.get("maxItems", 1):
            return []
        return [self.of(schema.get("items", {"type": "string"}), name.removesuffix("s"), depth + 1)]

    def _resolved(self, schema: Mapping[str, Any]) -> Mapping[str, Any]:
        while "$ref" in schema:
            schema = self._shapes[schema["$ref"].rpartition("/")[2]]
        return schema

    def _fits(self, value: Any, schema: Mapping[str, Any]) -> bool:
        """Tell whether a value by name is of the schema's kind."""
        if "anyOf" in schema:
            return any(self._fits(value, self._resolved(one)) for one in schema["anyOf"])
        kind = schema.get("type")
        if kind == "array":
            items = self._resolved(schema.get("items", {}))
            return isinstance(value, list) and all(self._fits(one, items) for one in value)
        if kind == "string":
            return isinstance(value, str) and "format" not in schema and "pattern" not in schema
        return {"integer": int, "boolean": bool, "null": type(None)}.get(str(kind)) is type(value)


def _plain(kind: Any, schema: Mapping[str, Any], name: str) -> Any:
    if kind == "boolean":
        return bool(schema.get("default", False))
    if kind == "integer":
        value = BEGIN_UTC_MS if name.endswith("utc_ms") else 1
        return max(value, int(schema.get("minimum", value)))
    if kind == "number":
        return float(schema.get("minimum", 0.5))
    if kind == "null":
        return None
    if "pattern" in schema:
        return next((text for text in _FITTING if re.search(schema["pattern"], text)), "x")
    if schema.get("format") in ("byte", "base64"):
        return base64.b64encode(bytes(range(32))).decode()
    for ending, text in _OF_ENDING:
        if name.endswith(ending):
            return text
    return name.replace("_", " ")[: schema.get("maxLength", 200)] or "x"
