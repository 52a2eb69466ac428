// Finding a clip among the recorder's leaves: one unbroken run, or where it is altered, shortened or repeated. The same
// rules as leaf_match.py. Must not know containers or files.

const ENTRY_BYTES = 40, BREAKS_MOST = 1000, PLACES_MOST = 4096, STRANGER_AFTER = 2000, US_PER_SECOND = 1e6;
const MARKS_MOST = 16;
const SIGNED_MARK = new TextEncoder().encode("kuramori/v1/hand-over-mark\0");

/** Tell whether a NAL unit that begins so is proven: slices and SEI. */
function isCovered(codec, first) {
  if (codec === "h264") return (first & 31) >= 1 && (first & 31) <= 6;
  const kind = (first >> 1) & 63;
  return kind < 32 || kind === 39 || kind === 40;
}

function isSlice(codec, first) {
  return codec === "h264" ? (first & 31) >= 1 && (first & 31) <= 5 : ((first >> 1) & 63) < 32;
}

function isParameterSet(codec, first) {
  if (codec === "h264") return (first & 31) === 7 || (first & 31) === 8;
  const kind = (first >> 1) & 63;
  return kind >= 32 && kind <= 34;
}

/** The recorder's leaves of one clip: hashes one behind the other, their times, and the salted runs they come from. */
class RecordedLeaves {
  constructor(content) {
    const count = content.length / ENTRY_BYTES;
    const view = viewOf(content);
    this.count = count;
    this.times = new Float64Array(count);
    this.hashes = new Uint8Array(32 * count);
    for (let at = 0; at < count; at++) {
      this.times[at] = Number(view.getBigInt64(at * ENTRY_BYTES, true));
      this.hashes.set(content.subarray(at * ENTRY_BYTES + 8, (at + 1) * ENTRY_BYTES), 32 * at);
    }
    this.runs = []; // salt, first, begun
    this.begun = new Map(); // by salt: leaf hashes as far as the salt
  }

  addRun(salt, first) {
    const name = hexOf(salt);
    if (!this.begun.has(name)) this.begun.set(name, new Sha256().update(Uint8Array.of(0)).update(salt));
    this.runs.push({ first, begun: this.begun.get(name) });
  }

  isAt(place, hash) {
    const start = 32 * place;
    for (let at = 0; at < 32; at++) if (this.hashes[start + at] !== hash[at]) return false;
    return true;
  }

  /** Return where a hash stands, in ascending order. */
  placesOf(hash) {
    if (!this.heads) this.index();
    const found = [];
    for (let at = this.heads[this.bucket(hash, 0)]; at && found.length < PLACES_MOST; at = this.next[at - 1]) {
      if (this.isAt(at - 1, hash)) found.push(at - 1);
    }
    return found;
  }

  bucket(bytes, start) {
    return ((bytes[start] | (bytes[start + 1] << 8) | (bytes[start + 2] << 16) | (bytes[start + 3] << 24)) >>> 0) % this.heads.length;
  }

  index() {
    this.heads = new Uint32Array(2 * this.count + 1);
    this.next = new Uint32Array(this.count);
    for (let at = this.count - 1; at >= 0; at--) {
      const bucket = this.bucket(this.hashes, 32 * at);
      this.next[at] = this.heads[bucket];
      this.heads[bucket] = at + 1;
    }
  }

  /** Return the number of the picture that a leaf belongs to, from 1: leaves of one picture have one time. */
  pictureAt(position) {
    let count = 0;
    if (!this.pictures) {
      this.pictures = this.times.map((time, at) => (at && time === this.times[at - 1] ? count : ++count));
    }
    return this.pictures[position];
  }
}

/** Matches one clip; NAL units go in one by one, in decode order. */
class LeafMatcher {
  constructor(codec, recorded) {
    this.codec = codec;
    this.recorded = recorded;
    this.stretch = null; // places, units, altered
    this.unknownBefore = this.units = this.known = this.slices = this.last = 0;
    this.first = -1;
    this.breaks = [];
    this.marks = new Map();
  }

  get isHopeless() {
    return !this.slices && this.units >= STRANGER_AFTER;
  }

  add(unit) {
    if (!isCovered(this.codec, unit[0])) return;
    this.units++;
    const stretch = this.stretch;
    const bare = trimmed(unit);
    if (stretch) {
      const places = this.goingOn(stretch, bare);
      if (places.length) {
        this.known++;
        this.slices += isSlice(this.codec, unit[0]);
        stretch.places = places;
        stretch.units++;
        return;
      }
    }
    let places = this.placesOf(bare);
    if (places.length) {
      this.known++;
      this.slices += isSlice(this.codec, unit[0]);
      if (stretch) {
        this.endStretch(stretch);
        const later = places.filter((place) => place > this.last);
        places = later.length ? later : places;
      }
      this.stretch = { places, units: 1, altered: [] };
      return;
    }
    const mark = markIn(this.codec, bare);
    if (mark) {
      this.units--;
      if (this.marks.size < MARKS_MOST || this.marks.has(mark.name)) this.marks.set(mark.name, mark);
    } else if (!stretch) this.unknownBefore++;
    else {
      stretch.altered.push(stretch.units++);
      stretch.places = stretch.places.map((place) => place + 1);
    }
  }

  result() {
    if (this.stretch) this.endStretch(this.stretch);
    this.stretch = null;
    return {
      units: this.units,
      known: this.known,
      slices: this.slices,
      first: Math.max(0, this.first),
      last: this.last,
      breaks: this.breaks,
      marks: [...this.marks.values()],
      isRun: this.units > 0 && this.known === this.units && !this.breaks.length,
    };
  }

  goingOn(stretch, unit) {
    const values = new Map();
    return stretch.places
      .map((place) => place + 1)
      .filter((place) => {
        if (place >= this.recorded.count) return false;
        const run = this.runAt(place);
        if (!values.has(run)) values.set(run, run.begun.copy().update(unit).digest());
        return this.recorded.isAt(place, values.get(run));
      });
  }

  runAt(place) {
    const runs = this.recorded.runs;
    let low = 0, high = runs.length;
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if (runs[middle].first <= place) low = middle;
      else high = middle;
    }
    return runs[low];
  }

  placesOf(unit) {
    const found = new Set();
    for (const begun of this.recorded.begun.values()) {
      for (const place of this.recorded.placesOf(begun.copy().update(unit).digest())) found.add(place);
    }
    return [...found].sort((one, other) => one - other);
  }

  endStretch(stretch) {
    const start = stretch.places[0] - stretch.units + 1;
    if (this.first < 0) {
      this.first = Math.max(0, start);
      if (this.unknownBefore) this.breakAt("altered", Math.max(0, start - this.unknownBefore), start);
    } else if (start > this.last + 1) this.breakAt("left out", this.last + 1, start);
    else this.breakAt("moved or repeated", start, start);
    for (const offset of stretch.altered) this.breakAt("altered", start + offset, start + offset);
    this.last = Math.min(stretch.places[0], this.recorded.count - 1);
  }

  breakAt(kind, first, last) {
    const newest = this.recorded.count - 1;
    const within = (place) => Math.min(place, newest);
    const made = {
      kind,
      fromUs: this.recorded.times[within(first)],
      toUs: this.recorded.times[within(last)],
      fromPicture: this.recorded.pictureAt(within(first)),
      toPicture: this.recorded.pictureAt(within(Math.max(first, last - 1))),
    };
    const before = this.breaks[this.breaks.length - 1];
    if (before && before.kind === "altered" && kind === "altered" && made.fromUs - before.toUs <= US_PER_SECOND) {
      before.toUs = Math.max(before.toUs, made.toUs);
      before.toPicture = Math.max(before.toPicture, made.toPicture);
    } else if (this.breaks.length < BREAKS_MOST) this.breaks.push(made);
  }
}

/** Return the hand-over mark (MANIFEST.md) that a NAL unit is; null where it is anything else, or holds anything more. */
function markIn(codec, unit) {
  const head = codec === "h264" ? [6] : [0x4e, 1];
  const start = head.length + 2;
  if (head.some((byte, at) => unit[at] !== byte)) return null;
  if (MARK_UUID.some((byte, at) => unit[start + at] !== byte)) return null;
  const content = [];
  let zeros = 0;
  for (const byte of unit.subarray(head.length)) {
    if (zeros >= 2 && byte === 3) zeros = 0;
    else {
      content.push(byte);
      zeros = byte ? 0 : zeros + 1;
    }
  }
  const size = content[1];
  if (content[0] !== 5 || size >= 255 || content.length !== size + 3 || content[size + 2] !== 0x80) return null;
  const body = Uint8Array.from(content.slice(2 + MARK_UUID.length, -1));
  if (body.length < 62) return null;
  const view = viewOf(body);
  const length = body[61];
  const request = body.subarray(62, 62 + length), signature = body.subarray(62 + length);
  const fits = body[0] === 1 && length > 0 && length <= 32 && request.length === length && signature.length === 64;
  if (!fits || request.some((byte) => byte > 127)) return null;
  return {
    name: hexOf(body),
    request: new TextDecoder().decode(request),
    opening: view.getUint32(17),
    entry: Number(view.getBigUint64(21)),
    signature,
    signed: body.subarray(0, 62 + length),
  };
}
