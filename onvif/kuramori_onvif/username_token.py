"""The WS-Security UsernameToken with password digest (OASIS UsernameToken Profile 1.0; ONVIF Core 5.9.4). Pure.

Digest = Base64(SHA-1(nonce ‖ created ‖ password)). The password itself is never written. `created` is the camera's
time, as far as it is known: cameras refuse tokens that are off by a few minutes. This module must not know HTTP.
"""

import base64
import hashlib
from datetime import UTC, datetime

from lxml import etree

from kuramori_onvif.hardened_xml import Element, child
from kuramori_onvif.http_digest import Credentials

NONCE_BYTES = 16
_SECURITY = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd"
_UTILITY = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd"
_PROFILE = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-username-token-profile-1.0"
_MESSAGE = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-soap-message-security-1.0"


def password_digest(nonce: bytes, created: str, password: str) -> str:
    """Return the digest as Base64 text."""
    material = nonce + created.encode() + password.encode()
    return base64.b64encode(hashlib.sha1(material, usedforsecurity=False).digest()).decode()


def created_text(utc_ms: int) -> str:
    """Return the time as `2024-01-01T00:00:00Z`: some firmwares refuse any other form."""
    return datetime.fromtimestamp(utc_ms // 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def add_token(envelope: Element, credentials: Credentials, nonce: bytes, camera_utc_ms: int) -> None:
    """Put the token into the envelope's header (made if missing). There must be none yet."""
    soap = etree.QName(envelope).namespace
    header = child(envelope, "Header")
    if header is None:
        header = etree.Element(etree.QName(soap, "Header"))
        envelope.insert(0, header)
    security = etree.SubElement(header, etree.QName(_SECURITY, "Security"), nsmap={"wsse": _SECURITY, "wsu": _UTILITY})
    security.set(etree.QName(soap, "mustUnderstand"), "1")
    token = etree.SubElement(security, etree.QName(_SECURITY, "UsernameToken"))
    created = created_text(camera_utc_ms)
    _add(token, _SECURITY, "Username", credentials.user)
    password = _add(token, _SECURITY, "Password", password_digest(nonce, created, credentials.password))
    password.set("Type", f"{_PROFILE}#PasswordDigest")
    written = _add(token, _SECURITY, "Nonce", base64.b64encode(nonce).decode())
    written.set("EncodingType", f"{_MESSAGE}#Base64Binary")
    _add(token, _UTILITY, "Created", created)


def remove_token(envelope: Element) -> None:
    """Take an earlier attempt's token out of the envelope, if there is one."""
    header = child(envelope, "Header")
    older = child(header, "Security")
    if header is not None and older is not None:
        header.remove(older)


def _add(parent: Element, space: str, name: str, text: str) -> Element:
    element = etree.SubElement(parent, etree.QName(space, name))
    element.text = text
    return element
