// The custody vectors, opened with what every browser has: WebCrypto and nothing else. Written from KEYS.md alone.
// Run: node custody_webcrypto.mjs custody.json   (prints "ok" and the number of seals opened, or fails)
import { readFileSync } from "node:fs";

const { subtle } = globalThis.crypto;
const utf8 = new TextEncoder();
const hex = (text) => Uint8Array.from(text.match(/../g) ?? [], (pair) => parseInt(pair, 16));
const base64 = (text) => Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
const join = (...parts) => Uint8Array.from(parts.flatMap((part) => [...part]));
const same = (a, b) => a.length === b.length && a.every((byte, place) => byte === b[place]);
const u16 = (value) => [value >> 8, value & 255];
const base64url = (data) => btoa(String.fromCharCode(...data)).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");

function must(condition, what) {
  if (!condition) throw new Error(what);
}

async function hmac(key, data) {
  // WebCrypto takes no empty HMAC key; one zero byte is padded to the same block.
  const raw = key.length ? key : new Uint8Array(1);
  const made = await subtle.importKey("raw", raw, { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
  return new Uint8Array(await subtle.sign("HMAC", made, data));
}

const KEM = join(utf8.encode("KEM"), u16(0x20));
const HPKE = join(utf8.encode("HPKE"), u16(0x20), u16(1), u16(2));
const extract = (suite, salt, label, material) =>
  hmac(salt, join(utf8.encode("HPKE-v1"), suite, utf8.encode(label), material));
async function expand(suite, key, label, info, length) {
  const all = join(u16(length), utf8.encode("HPKE-v1"), suite, utf8.encode(label), info);
  return (await hmac(key, join(all, [1]))).slice(0, length); // never more than one block is needed here
}

async function openSealed(sealed, privateBytes, publicBytes, info) {
  must(sealed.length >= 48, "short");
  const enc = sealed.slice(0, 32);
  const jwk = { kty: "OKP", crv: "X25519", d: base64url(privateBytes), x: base64url(publicBytes) };
  const ours = await subtle.importKey("jwk", jwk, { name: "X25519" }, false, ["deriveBits"]);
  const theirs = await subtle.importKey("raw", enc, { name: "X25519" }, false, []);
  const dh = new Uint8Array(await subtle.deriveBits({ name: "X25519", public: theirs }, ours, 256));
  must(dh.some((byte) => byte), "small order");
  const prk = await extract(KEM, [], "eae_prk", dh);
  const shared = await expand(KEM, prk, "shared_secret", join(enc, publicBytes), 32);
  const context = join([0], await extract(HPKE, [], "psk_id_hash", []), await extract(HPKE, [], "info_hash", info));
  const secret = await extract(HPKE, shared, "secret", []);
  const key = await expand(HPKE, secret, "key", context, 32);
  const iv = await expand(HPKE, secret, "base_nonce", context, 12);
  const aes = await subtle.importKey("raw", key, "AES-GCM", false, ["decrypt"]);
  return new Uint8Array(await subtle.decrypt({ name: "AES-GCM", iv }, aes, sealed.slice(32)));
}

function times(a, b) {
  let product = 0;
  for (let bit = 0; bit < 8; bit++) {
    if ((b >> bit) & 1) product ^= a;
    a = (a << 1) ^ (a & 0x80 ? 0x11b : 0);
  }
  return product;
}
function inverse(a) {
  let result = 1;
  for (let power = 0; power < 254; power++) result = times(result, a);
  return result;
}
function combine(shares) {
  return Uint8Array.from({ length: 32 }, (_, place) =>
    shares.reduce((sum, share) => {
      const weight = shares
        .filter((other) => other.x !== share.x)
        .reduce((product, other) => times(product, times(other.x, inverse(share.x ^ other.x))), 1);
      return sum ^ times(share.y[place], weight);
    }, 0),
  );
}

function canonical(value) {
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  if (value === null || typeof value !== "object") return JSON.stringify(value);
  return `{${Object.keys(value).sort().map((name) => `${JSON.stringify(name)}:${canonical(value[name])}`).join(",")}}`;
}
const without = (value, ...names) => Object.fromEntries(Object.entries(value).filter(([name]) => !names.includes(name)));
const labelled = (label, value) => join(utf8.encode(`${label}\0`), utf8.encode(canonical(value)));

const FIELD = (1n << 255n) - 19n;
const little = (data) => data.reduceRight((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
function power(base, exponent) {
  let result = 1n;
  for (; exponent; exponent >>= 1n, base = (base * base) % FIELD) if (exponent & 1n) result = (result * base) % FIELD;
  return result;
}
function montgomery(edwards) {
  const y = little(edwards) & ((1n << 255n) - 1n);
  return ((1n + y) * power((1n + FIELD - y) % FIELD, FIELD - 2n)) % FIELD;
}
async function possessionHolds(card, label) {
  const proof = base64(card.possession);
  if (montgomery(proof.slice(0, 32)) !== little(base64(card.opening_key))) return false;
  const key = await subtle.importKey("raw", proof.slice(0, 32), { name: "Ed25519" }, false, ["verify"]);
  return subtle.verify({ name: "Ed25519" }, key, proof.slice(32), labelled(label, without(card, "possession", "signature")));
}
async function cardHolds(card) {
  if (!(await possessionHolds(card, "kuramori/v1/card-possession"))) return false;
  const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };
  const key = await subtle.importKey("raw", base64(card.signing_key), algorithm, false, ["verify"]);
  return subtle.verify(algorithm, key, base64(card.signature), labelled("kuramori/v1/card-signature", without(card, "signature")));
}

const vectors = JSON.parse(readFileSync(process.argv[2], "utf8"));
let opened = 0;
async function opens(sealed, privateBytes, publicBytes, info, expected, what) {
  must(same(await openSealed(hex(sealed), hex(privateBytes), hex(publicBytes), hex(info)), expected), what);
  opened += 1;
}

for (const sharing of vectors.sharings) {
  const shares = sharing.shares.map((y, place) => ({ x: place + 1, y: hex(y) }));
  must(same(combine(shares.slice(-sharing.k)), hex(sharing.secret)), `sharing ${sharing.k} of ${sharing.n}`);
}
for (const segment of vectors.segments) {
  for (const [place, share] of segment.shares.entries()) {
    const person = vectors.custodians[place];
    const plain = join([share.x], hex(share.y));
    await opens(share.sealed, person.opening_private, person.opening_public, share.info, plain, "share");
    const to = [segment.extraction_private, segment.extraction_public];
    await opens(share.resealed, ...to, share.extraction_info, plain, "resealed share");
  }
  const dek = hex(segment.dek);
  const paper = vectors.recovery;
  await opens(segment.recovery_seal, paper.opening_private, paper.opening_public, segment.recovery_info, dek, "recovery");
  const to = [segment.extraction_private, segment.extraction_public];
  await opens(segment.resealed_dek, ...to, segment.extraction_recovery_info, dek, "resealed dek");
  must(same(combine(segment.shares.slice(1).map(({ x, y }) => ({ x, y: hex(y) }))), dek), "combined dek");
}
const handed = vectors.handed_on;
const taken = [];
for (const [place, position] of handed.receivers.entries()) {
  const person = vectors.custodians[position];
  const parts = [];
  for (const one of handed.contributions) {
    const piece = hex(one.pieces).slice(81 * (place + 1), 81 * (place + 2));
    const plain = await openSealed(piece, hex(person.opening_private), hex(person.opening_public), hex(one.piece_infos[place]));
    must(plain.length === 33 && plain[0] === place + 1, "piece");
    parts.push({ x: one.number, y: plain.slice(1) });
    opened += 1;
  }
  taken.push({ x: place + 1, y: combine(parts) });
}
must(same(combine(taken), hex(vectors.segments[handed.segment - 1].dek)), "handed-on dek");
const wholes = [];
for (const one of handed.contributions) {
  const paper = vectors.recovery;
  const whole = hex(one.pieces).slice(0, 81);
  const plain = await openSealed(whole, hex(paper.opening_private), hex(paper.opening_public), hex(one.recovery_info));
  wholes.push({ x: plain[0], y: plain.slice(1) });
  opened += 1;
  const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };
  const giver = base64(vectors.custodians[one.number - 1].card.signing_key);
  const key = await subtle.importKey("raw", giver, algorithm, false, ["verify"]);
  const statement = join(hex(one.statement_head), hex(one.pieces));
  must(await subtle.verify(algorithm, key, hex(one.signature), statement), "signature of what was handed on");
}
must(same(combine(wholes), hex(vectors.segments[handed.segment - 1].dek)), "dek handed on to the recovery key");
for (const bad of vectors.bad_shares) {
  const person = vectors.custodians[0];
  const info = hex(vectors.segments[0].shares[0].info);
  const plain = await openSealed(hex(bad.sealed), hex(person.opening_private), hex(person.opening_public), info).catch(() => null);
  must(plain === null || plain.length !== 33 || plain[0] !== 1, `accepted: ${bad.what}`);
}
for (const person of vectors.custodians) must(await cardHolds(person.card), `card of ${person.card.name}`);
must(await possessionHolds(vectors.recovery.card, "kuramori/v1/recovery-possession"), "recovery card");
for (const bad of vectors.bad_cards.filter((one) => one.refusal === "forged"))
  must(!(await cardHolds(bad.card).catch(() => false)), `accepted: ${bad.what}`);
const digest = new Uint8Array(await subtle.digest("SHA-256", utf8.encode(canonical(vectors.custodian_set))));
must(same(digest.slice(0, 16), hex(vectors.custodian_set_id)), "custodian set id");
console.log(`ok ${opened}`);
