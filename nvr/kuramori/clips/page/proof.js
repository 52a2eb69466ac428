// From a run of leaf hashes to what the recorder signed: the tree of RFC 9162 section 2.1, and a segment's footer.
// Must not know containers or pages.

const FOOTER_BYTES = 4096, SIGNED_BYTES = 4028, GAPS_MOST = 64, GAP_BYTES = 24, GAP_REASONS = 13;
const NODE = Uint8Array.of(1);
const CRC32C = new Int32Array(256).map((_, byte) => {
  for (let bit = 0; bit < 8; bit++) byte = byte & 1 ? (byte >>> 1) ^ 0x82f63b78 : byte >>> 1;
  return byte;
});

const treeNode = (left, right) => sha256(NODE, left, right);

/** Return the root over leaf hashes that stand one behind the other from leaf `from` to before leaf `to`. */
function rootOf(hashes, from, to) {
  const perfect = [];
  for (let at = from, count = 0; at < to; at++, count++) {
    let hash = hashes.subarray(32 * at, 32 * at + 32);
    for (let left = count; left & 1; left >>>= 1) hash = treeNode(perfect.pop(), hash);
    perfect.push(hash);
  }
  return perfect.reduceRight((right, left) => treeNode(left, right));
}

/** Tell whether the leaves stand at `first` in the tree of that root and size. */
function provesRange(root, total, first, hashes, proof) {
  const last = first + hashes.length / 32;
  if (!hashes.length || last > total || total > 2 ** 48) return false;
  const rest = [...proof];
  const rebuild = (start, end) => {
    if (first <= start && end <= last) return rootOf(hashes, start - first, end - first);
    if (end <= first || last <= start) {
      if (!rest.length) throw new Malformed();
      return rest.shift();
    }
    let half = 1;
    while (half * 2 < end - start) half *= 2;
    const left = rebuild(start, start + half);
    return treeNode(left, rebuild(start + half, end));
  };
  try {
    return equalBytes(rebuild(0, total), root) && !rest.length;
  } catch (fault) {
    if (fault instanceof Malformed) return false;
    throw fault;
  }
}

function crc32c(bytes) {
  let sum = -1;
  for (const byte of bytes) sum = CRC32C[(sum ^ byte) & 255] ^ (sum >>> 8);
  return (sum ^ -1) >>> 0;
}

const isZero = (bytes) => bytes.every((byte) => !byte);

/** Return what a footer (segments/FORMAT.md) says, or null where it is none. Its signature is checked elsewhere. */
function readFooter(block) {
  if (block.length < FOOTER_BYTES) return null;
  const bytes = block.subarray(0, FOOTER_BYTES);
  const view = viewOf(bytes);
  const gaps = view.getUint16(212, true), kind = bytes[10];
  const fits =
    new TextDecoder("latin1").decode(bytes.subarray(0, 8)) === "KRMFOT\x01\n" &&
    view.getUint32(4092, true) === crc32c(bytes.subarray(0, 4092)) &&
    view.getUint16(8, true) === 1 && (kind === 1 || kind === 2) && bytes[11] <= 1 && gaps <= GAPS_MOST &&
    isZero(bytes.subarray(214, 216)) && isZero(bytes.subarray(240 + gaps * GAP_BYTES, SIGNED_BYTES)) &&
    view.getBigInt64(168, true) <= view.getBigInt64(176, true);
  if (!fits) return null;
  for (let at = 240; at < 240 + gaps * GAP_BYTES; at += GAP_BYTES) {
    const ordered = view.getBigInt64(at, true) <= view.getBigInt64(at + 8, true);
    const known = bytes[at + 16] >= 1 && bytes[at + 16] <= GAP_REASONS;
    if (!ordered || !known || !isZero(bytes.subarray(at + 17, at + GAP_BYTES))) return null;
  }
  const found = {
    camera: view.getUint32(12, true),
    uid: bytes.subarray(32, 48),
    sequence: Number(view.getBigUint64(48, true)),
    headerDigest: bytes.subarray(56, 88),
    root: bytes.subarray(120, 152),
    leaves: Number(view.getBigUint64(152, true)),
    keyId: bytes.subarray(224, 240),
    signature: bytes.subarray(SIGNED_BYTES, SIGNED_BYTES + 64),
    signed: bytes.subarray(0, SIGNED_BYTES),
  };
  return kind === 2 && (found.leaves || !isZero(found.root)) ? null : found;
}

/** Return the root of a segment's leaves: the signed footer's, or the manifest's where no footer has one. */
async function provenRoot(segment, camera, signer) {
  if (segment.state === "open" || segment.state === "damaged") return segment.root;
  const forged = new Failed("forged", segmentName(camera, segment));
  const footer = readFooter(segment.footer);
  if (!footer || !equalBytes(footer.keyId, signer.keyId)) throw forged;
  if (!(await signedBy(signer.key, footer.signature, footer.signed))) throw forged;
  const told =
    equalBytes(footer.uid, segment.uid) && footer.sequence === segment.sequence &&
    footer.camera === camera.number && equalBytes(footer.headerDigest, segment.headerDigest);
  if (!told) throw forged;
  if (segment.state === "recovered") return segment.root;
  if (!equalBytes(footer.root, segment.root) || footer.leaves !== segment.leaves) throw forged;
  return footer.root;
}

const segmentName = (camera, segment) =>
  say(WORDS.particulars.segment, { camera: camera.camera, sequence: segment.sequence });
