// SHA-256 (FIPS 180-4) that takes its input in pieces, as the browser's own takes it whole only. Knows nothing else.

const ROUND = new Int32Array(64);
const INITIAL = new Int32Array(8);
{
  const fraction = (value) => ((value - Math.floor(value)) * 4294967296) | 0;
  let found = 0;
  for (let number = 2; found < 64; number++) {
    let prime = true;
    for (let factor = 2; factor * factor <= number; factor++) if (number % factor === 0) prime = false;
    if (!prime) continue;
    if (found < 8) INITIAL[found] = fraction(Math.sqrt(number));
    ROUND[found++] = fraction(Math.cbrt(number));
  }
}
const SCHEDULE = new Int32Array(64);

class Sha256 {
  constructor() {
    this.state = INITIAL.slice();
    this.rest = new Uint8Array(64);
    this.filled = 0;
    this.length = 0;
  }

  /** Return a hash that goes on from here by itself. */
  copy() {
    const made = new Sha256();
    made.state.set(this.state);
    made.rest.set(this.rest);
    made.filled = this.filled;
    made.length = this.length;
    return made;
  }

  update(bytes) {
    let at = 0;
    this.length += bytes.length;
    if (this.filled) {
      at = Math.min(64 - this.filled, bytes.length);
      this.rest.set(bytes.subarray(0, at), this.filled);
      this.filled += at;
      if (this.filled < 64) return this;
      compress(this.state, this.rest, 0, 64);
      this.filled = 0;
    }
    const whole = at + ((bytes.length - at) & ~63);
    compress(this.state, bytes, at, whole);
    this.rest.set(bytes.subarray(whole));
    this.filled = bytes.length - whole;
    return this;
  }

  /** Return the 32 bytes; nothing can be added afterwards. */
  digest() {
    const end = new Uint8Array(this.filled < 56 ? 64 : 128);
    end.set(this.rest.subarray(0, this.filled));
    end[this.filled] = 0x80;
    const view = viewOf(end);
    view.setUint32(end.length - 8, Math.floor(this.length / 0x20000000));
    view.setUint32(end.length - 4, (this.length << 3) >>> 0);
    compress(this.state, end, 0, end.length);
    const found = new Uint8Array(32);
    const out = viewOf(found);
    for (let word = 0; word < 8; word++) out.setInt32(4 * word, this.state[word]);
    return found;
  }
}

const sha256 = (...parts) => parts.reduce((state, part) => state.update(part), new Sha256()).digest();

function compress(state, bytes, from, to) {
  const w = SCHEDULE;
  const k = ROUND;
  let [h0, h1, h2, h3, h4, h5, h6, h7] = state;
  for (let at = from; at < to; at += 64) {
    for (let i = 0, p = at; i < 16; i++, p += 4) {
      w[i] = (bytes[p] << 24) | (bytes[p + 1] << 16) | (bytes[p + 2] << 8) | bytes[p + 3];
    }
    for (let i = 16; i < 64; i++) {
      const x = w[i - 15];
      const y = w[i - 2];
      const s0 = ((x >>> 7) | (x << 25)) ^ ((x >>> 18) | (x << 14)) ^ (x >>> 3);
      const s1 = ((y >>> 17) | (y << 15)) ^ ((y >>> 19) | (y << 13)) ^ (y >>> 10);
      w[i] = (w[i - 16] + s0 + w[i - 7] + s1) | 0;
    }
    let a = h0, b = h1, c = h2, d = h3, e = h4, f = h5, g = h6, h = h7;
    for (let i = 0; i < 64; i++) {
      const s1 = ((e >>> 6) | (e << 26)) ^ ((e >>> 11) | (e << 21)) ^ ((e >>> 25) | (e << 7));
      const t1 = (h + s1 + ((e & f) ^ (~e & g)) + k[i] + w[i]) | 0;
      const s0 = ((a >>> 2) | (a << 30)) ^ ((a >>> 13) | (a << 19)) ^ ((a >>> 22) | (a << 10));
      const t2 = (s0 + ((a & b) ^ (a & c) ^ (b & c))) | 0;
      h = g; g = f; f = e; e = (d + t1) | 0; d = c; c = b; b = a; a = (t1 + t2) | 0;
    }
    h0 = (h0 + a) | 0; h1 = (h1 + b) | 0; h2 = (h2 + c) | 0; h3 = (h3 + d) | 0;
    h4 = (h4 + e) | 0; h5 = (h5 + f) | 0; h6 = (h6 + g) | 0; h7 = (h7 + h) | 0;
  }
  state.set([h0, h1, h2, h3, h4, h5, h6, h7]);
}
