// manifest.p7s: a detached CMS signature (RFC 5652), ES256, read from its DER and checked by the browser's own
// cryptography. Everything that is not as the recorder writes it is refused. Must not know manifests.

const SEQUENCE = 0x30, SET = 0x31, OID = 0x06, OCTETS = 0x04, INTEGER = 0x02, BITS = 0x03, CONTEXT_0 = 0xa0;
const SIGNED_DATA = "2a864886f70d010702";
const MESSAGE_DIGEST = "2a864886f70d010904";
const SHA_256 = "608648016503040201";
const ECDSA_SHA_256 = ["2a8648ce3d040302", "2a8648ce3d0201"];
const SIGNATURE_BYTES_MOST = 64 << 10;
const P256 = { name: "ECDSA", namedCurve: "P-256" };

function firstElement(data) {
  if (data.length < 2 || (data[0] & 0x1f) === 0x1f) throw new Malformed();
  let length = data[1];
  let start = 2;
  if (length & 0x80) {
    const count = length & 0x7f;
    if (count < 1 || count > 3 || data.length < 2 + count) throw new Malformed();
    length = 0;
    for (let at = 2; at < 2 + count; at++) length = length * 256 + data[at];
    start = 2 + count;
  }
  if (start + length > data.length) throw new Malformed();
  return { tag: data[0], content: data.subarray(start, start + length), whole: data.subarray(0, start + length) };
}

/** Return the elements in some content; where tags are given, exactly those. */
function elements(content, ...tags) {
  const found = [];
  for (let data = content; data.length; ) {
    const element = firstElement(data);
    found.push(element);
    data = data.subarray(element.whole.length);
  }
  if (!found.length || (tags.length && (found.length !== tags.length || found.some((one, at) => one.tag !== tags[at])))) {
    throw new Malformed();
  }
  return found;
}

function only(data, tag) {
  const element = firstElement(data);
  if (element.tag !== tag || element.whole.length !== data.length) throw new Malformed();
  return element;
}

function expect(element, tag) {
  if (!element || element.tag !== tag) throw new Malformed();
  return element;
}

/** Return r and s as 64 bytes, of the DER form in which CMS has them. */
function rawSignature(der) {
  const raw = new Uint8Array(64);
  elements(only(der, SEQUENCE).content, INTEGER, INTEGER).forEach((number, place) => {
    let digits = number.content;
    while (digits.length > 1 && !digits[0]) digits = digits.subarray(1);
    if (number.content[0] & 0x80 || digits.length > 32) throw new Malformed();
    raw.set(digits, 32 * (place + 1) - digits.length);
  });
  return raw;
}

/** Return the public key in a certificate (RFC 5280 section 4.1), as SubjectPublicKeyInfo. */
function publicKeyIn(certificate) {
  const [body] = elements(only(certificate, SEQUENCE).content, SEQUENCE, SEQUENCE, BITS);
  const fields = elements(body.content);
  const before = fields[0].tag === CONTEXT_0 ? 6 : 5; // version, number, algorithm, issuer, validity, subject
  return expect(fields[before], SEQUENCE).whole;
}

/** Return whose signature over the content it is: key, key bytes and certificate's SHA-256. Throws Failed. */
async function signerOf(content, signature) {
  try {
    if (signature.length > SIGNATURE_BYTES_MOST) throw new Malformed();
    const [kind, wrapped] = elements(only(signature, SEQUENCE).content, OID, CONTEXT_0);
    if (hexOf(kind.content) !== SIGNED_DATA) throw new Malformed();
    const data = elements(only(wrapped.content, SEQUENCE).content, INTEGER, SET, SEQUENCE, CONTEXT_0, SET);
    const certificate = only(data[3].content, SEQUENCE).whole;
    const signer = elements(only(data[4].content, SEQUENCE).content);
    const [, , digest, attributes, algorithm, value] = signer;
    if (hexOf(elements(expect(digest, SEQUENCE).content)[0].content) !== SHA_256) throw new Malformed();
    if (!ECDSA_SHA_256.includes(hexOf(elements(expect(algorithm, SEQUENCE).content)[0].content))) throw new Malformed();
    const said = elements(expect(attributes, CONTEXT_0).content)
      .map((one) => elements(expect(one, SEQUENCE).content, OID, SET))
      .find(([name]) => hexOf(name.content) === MESSAGE_DIGEST);
    if (!said || !equalBytes(only(said[1].content, OCTETS).content, sha256(content))) throw new Malformed();
    const signed = attributes.whole.slice();
    signed[0] = SET; // RFC 5652 section 5.4: signed as a SET
    const keyBytes = publicKeyIn(certificate);
    const key = await crypto.subtle.importKey("spki", keyBytes, P256, false, ["verify"]);
    const raw = rawSignature(expect(value, OCTETS).content);
    if (!(await signedBy(key, raw, signed))) throw new Malformed();
    return { key, keyId: sha256(keyBytes).subarray(0, 16), fingerprint: hexOf(sha256(certificate)) };
  } catch (fault) {
    if (fault instanceof Malformed || fault instanceof DOMException) throw new Failed("forged", MANIFEST);
    throw fault;
  }
}

/** Tell whether a key made an ES256 signature (r and s, 64 bytes) over a message. */
const signedBy = (key, raw, message) => crypto.subtle.verify({ name: "ECDSA", hash: "SHA-256" }, key, raw, message);
