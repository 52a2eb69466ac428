// Bytes: reading numbers, hexadecimal and base64, and files piece by piece. Must not know what the bytes mean.

const PIECE_BYTES = 4 << 20;

/** Verification ends here: `verdict`, and `detail` as text or as words in both languages. */
class Failed extends Error {
  constructor(verdict, detail) {
    super(verdict);
    this.verdict = verdict;
    this.detail = detail;
  }
}

/** Bytes are not of the form that they should have. */
class Malformed extends Error {}

const viewOf = (bytes) => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

function equalBytes(one, other) {
  if (one.length !== other.length) return false;
  for (let at = 0; at < one.length; at++) if (one[at] !== other[at]) return false;
  return true;
}

function hexOf(bytes) {
  let text = "";
  for (const byte of bytes) text += byte.toString(16).padStart(2, "0");
  return text;
}

/** Return the bytes of strict base64 (RFC 4648 section 4), of exactly `length` where one is given. */
function fromBase64(text, length) {
  if (typeof text !== "string" || text.length % 4 || !/^[A-Za-z0-9+/]*={0,2}$/.test(text)) throw new Malformed();
  const binary = atob(text);
  if (length !== undefined && binary.length !== length) throw new Malformed();
  const bytes = new Uint8Array(binary.length);
  for (let at = 0; at < bytes.length; at++) bytes[at] = binary.charCodeAt(at);
  return bytes;
}

/** Return bytes without the zeros at their end. */
function trimmed(bytes) {
  let end = bytes.length;
  while (end && !bytes[end - 1]) end--;
  return bytes.subarray(0, end);
}

/** A file, read in pieces, so that it may be larger than memory. */
class PieceReader {
  constructor(blob) {
    this.blob = blob;
    this.size = blob.size;
    this.start = 0;
    this.piece = new Uint8Array(0);
  }

  /** Return `length` bytes from `offset`; fewer where the file ends before. Valid until the next call. */
  async read(offset, length) {
    const end = Math.min(offset + length, this.size);
    if (offset >= end) return new Uint8Array(0);
    if (offset < this.start || end > this.start + this.piece.length) {
      const until = Math.min(this.size, Math.max(end, offset + PIECE_BYTES));
      this.piece = new Uint8Array(await this.blob.slice(offset, until).arrayBuffer());
      this.start = offset;
    }
    return this.piece.subarray(offset - this.start, end - this.start);
  }
}
