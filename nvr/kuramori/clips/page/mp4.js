// MP4 (ISO/IEC 14496-12), plain and fragmented, as far as the samples of a track must be found in decode order.
// Any bytes: what cannot be read is Unreadable, what is cut off ends early. Must not know hashes or manifests.

const HEAD_BYTES_MOST = 256 << 20, FRAGMENT_BYTES_MOST = 64 << 20, SAMPLE_BYTES_MOST = 256 << 20;
const BOXES_MOST = 1 << 20, SAMPLES_MOST = 1 << 26, READ_TIMES_MOST = 4, TRACKS_MOST = 64;
const FIRST_BOXES = ["ftyp", "styp", "moov", "moof", "mdat", "free", "skip", "wide", "pnot", "uuid", "sidx"];
const CODECS = { avc1: "h264", avc3: "h264", hvc1: "h265", hev1: "h265" };
const KINDS = { vide: "video", soun: "audio", sbtl: "subtitle", subt: "subtitle", text: "subtitle", clcp: "subtitle" };
const VISUAL_BYTES = 78, SOUND_BYTES = 28;

/** No samples can be read from the file. */
class Unreadable extends Error {}

const boxName = (bytes, at) => String.fromCharCode(...bytes.subarray(at, at + 4));

/** Yield the boxes inside some bytes; one that does not fit ends it. */
function* boxes(bytes, from = 0) {
  const view = viewOf(bytes);
  for (let at = from; at + 8 <= bytes.length; ) {
    let size = view.getUint32(at), head = 8;
    if (size === 1 && at + 16 <= bytes.length) {
      size = Number(view.getBigUint64(at + 8));
      head = 16;
    } else if (size === 0) size = bytes.length - at;
    if (size < head || at + size > bytes.length) return;
    yield { name: boxName(bytes, at + 4), content: bytes.subarray(at + head, at + size) };
    at += size;
  }
}

const boxIn = (bytes, ...path) =>
  path.reduce((inside, name) => {
    if (!inside) return null;
    for (const one of boxes(inside)) if (one.name === name) return one.content;
    return null;
  }, bytes);

/** Read big-endian numbers of a table; what lies beyond its end is zero. */
class Table {
  constructor(bytes, head) {
    this.bytes = bytes || new Uint8Array(0);
    this.view = viewOf(this.bytes);
    this.head = head;
  }

  rows(width, at = this.head - 4) {
    return Math.min(this.u32(at), Math.floor(Math.max(0, this.bytes.length - this.head) / width));
  }

  u32(at) {
    return at + 4 <= this.bytes.length ? this.view.getUint32(at) : 0;
  }

  u64(at) {
    return at + 8 <= this.bytes.length ? Number(this.view.getBigUint64(at)) : 0;
  }
}

/** Find the tracks of a file. Throws Unreadable. */
async function openMovie(reader) {
  let moov = null;
  const fragments = [];
  for (let at = 0, count = 0; at + 8 <= reader.size; count++) {
    const head = await reader.read(at, 16);
    const view = viewOf(head);
    const name = boxName(head, 4);
    let size = view.getUint32(0);
    if (!count && !FIRST_BOXES.includes(name)) throw new Unreadable("format");
    if (size === 1 && head.length === 16) size = Number(view.getBigUint64(8));
    else if (size === 0) size = reader.size - at;
    if (size < 8 || count > BOXES_MOST) break;
    if (name === "moov" && !moov && Math.min(size, reader.size - at) <= HEAD_BYTES_MOST) {
      moov = (await reader.read(at, size)).slice(view.getUint32(0) === 1 ? 16 : 8);
    } else if (name === "moof" && at + size <= reader.size && size <= FRAGMENT_BYTES_MOST) {
      fragments.push({ at, size });
    }
    at += size;
  }
  if (!moov) throw new Unreadable("index");
  const tracks = [...boxes(moov)].filter((one) => one.name === "trak").slice(0, TRACKS_MOST);
  const defaults = new Map();
  for (const one of boxes(boxIn(moov, "mvex") || new Uint8Array(0))) {
    const trex = new Table(one.content, 0);
    if (one.name === "trex") defaults.set(trex.u32(4), trex.u32(16));
  }
  return { tracks: tracks.map((one) => readTrack(one.content)), fragments, defaults };
}

function readTrack(trak) {
  const handler = boxIn(trak, "mdia", "hdlr") || new Uint8Array(12);
  const tkhd = boxIn(trak, "tkhd") || new Uint8Array(24);
  const stbl = boxIn(trak, "mdia", "minf", "stbl") || new Uint8Array(0);
  const edits = new Table(boxIn(trak, "edts", "elst"), 8);
  const wide = edits.bytes[0] === 1;
  let shown = 0;
  for (let row = 0; row < edits.rows(wide ? 20 : 12); row++) {
    const at = 8 + row * (wide ? 20 : 12);
    if (edits.u32(at + (wide ? 8 : 4)) !== 0xffffffff) shown++;
  }
  const entries = [...boxes((boxIn(stbl, "stsd") || new Uint8Array(8)).subarray(8))];
  return {
    id: new Table(tkhd, 0).u32(tkhd[0] === 1 ? 20 : 12),
    kind: KINDS[handler.length >= 12 ? boxName(handler, 8) : ""] || "data",
    edits: shown,
    entries,
    stbl,
  };
}

/** Return codec, width of NAL lengths and parameter sets of a video track; null where it is of neither codec. */
function pictureFormat(track) {
  const first = track.entries[0];
  const codec = first && CODECS[first.name];
  if (!codec) return null;
  const sets = [];
  let lengthBytes = 4;
  track.entries.forEach((entry, place) => {
    const described = boxIn(entry.content.subarray(VISUAL_BYTES), codec === "h264" ? "avcC" : "hvcC");
    if (!described) return;
    if (!place) lengthBytes = ((described[codec === "h264" ? 4 : 21] || 0) & 3) + 1;
    sets.push(...(codec === "h264" ? setsOfAvc(described) : setsOfHevc(described)));
  });
  return { codec, lengthBytes, sets };
}

function* setsBehind(bytes, place, count) {
  for (; count > 0 && place.at + 2 <= bytes.length; count--) {
    const length = (bytes[place.at] << 8) | bytes[place.at + 1];
    yield bytes.subarray(place.at + 2, place.at + 2 + length);
    place.at += 2 + length;
  }
}

function setsOfAvc(bytes) {
  const place = { at: 6 };
  const found = [...setsBehind(bytes, place, (bytes[5] || 0) & 31)];
  const count = bytes[place.at++] || 0;
  return [...found, ...setsBehind(bytes, place, count)];
}

function setsOfHevc(bytes) {
  const place = { at: 23 }, found = [];
  for (let kinds = bytes[22] || 0; kinds > 0 && place.at + 3 <= bytes.length; kinds--) {
    const count = (bytes[place.at + 1] << 8) | bytes[place.at + 2];
    place.at += 3;
    found.push(...setsBehind(bytes, place, count));
  }
  return found;
}

/** Tell whether a track of sound is AAC (ISO/IEC 14496-14: the object type in its decoder's description). */
function isAac(track) {
  const entry = track.entries[0];
  if (!entry || entry.name !== "mp4a") return false;
  const described = boxIn(entry.content.subarray(SOUND_BYTES), "esds");
  if (!described) return false;
  for (let at = 4; at + 2 < described.length; ) {
    const tag = described[at++];
    let length = 0, more = 0x80;
    while (more & 0x80 && at < described.length) {
      more = described[at++];
      length = length * 128 + (more & 0x7f);
    }
    if (tag === 4) return [0x40, 0x66, 0x67, 0x68].includes(described[at]);
    at += tag === 3 ? 3 : length; // the elementary stream's number and flags, then what it holds
  }
  return false;
}

/** Yield where the samples of a track lie, in decode order: offset and length. */
async function* samplePlaces(reader, movie, track) {
  yield* tabledSamples(track.stbl);
  for (const one of movie.fragments) {
    const moof = (await reader.read(one.at, one.size)).slice(8);
    yield* fragmentSamples(moof, one.at, track.id, movie.defaults.get(track.id) || 0);
  }
}

function* tabledSamples(stbl) {
  const constant = new Table(boxIn(stbl, "stsz"), 12);
  const narrow = new Table(boxIn(stbl, "stz2"), 12);
  const near = boxIn(stbl, "stco");
  const chunks = new Table(near || boxIn(stbl, "co64"), 8);
  const runs = new Table(boxIn(stbl, "stsc"), 8);
  const same = constant.u32(4);
  const bits = narrow.bytes[7] || 8;
  let total = same ? Math.min(constant.u32(8), SAMPLES_MOST) : constant.rows(4);
  if (!constant.bytes.length) total = Math.min(narrow.u32(8), Math.floor((narrow.bytes.length - 12) * 8 / bits));
  const sizeOf = (sample) => {
    if (constant.bytes.length) return same || constant.u32(12 + 4 * sample);
    if (bits === 4) return (narrow.bytes[12 + (sample >> 1)] >> (sample & 1 ? 0 : 4)) & 15;
    return bits === 8 ? narrow.bytes[12 + sample] : (narrow.bytes[12 + 2 * sample] << 8) | narrow.bytes[13 + 2 * sample];
  };
  const rows = runs.rows(12);
  for (let chunk = 0, run = 0, sample = 0; chunk < chunks.rows(near ? 4 : 8) && sample < total; chunk++) {
    while (run + 1 < rows && runs.u32(8 + 12 * (run + 1)) <= chunk + 1) run++;
    let offset = near ? chunks.u32(8 + 4 * chunk) : chunks.u64(8 + 8 * chunk);
    for (let left = rows ? runs.u32(12 + 12 * run) : 0; left > 0 && sample < total; left--, sample++) {
      const length = sizeOf(sample);
      yield { offset, length };
      offset += length;
    }
  }
}

function* fragmentSamples(moof, start, id, defaultSize) {
  let end = start;
  for (const traf of boxes(moof)) {
    if (traf.name !== "traf") continue;
    const head = new Table(boxIn(traf.content, "tfhd"), 0);
    const flags = head.u32(0) & 0xffffff;
    let at = 8, base = flags & 0x20000 ? start : end, size = defaultSize;
    if (flags & 1) { base = head.u64(at); at += 8; }
    if (flags & 2) at += 4;
    if (flags & 8) at += 4;
    if (flags & 16) size = head.u32(at);
    let offset = base;
    for (const trun of boxes(traf.content)) {
      if (trun.name !== "trun") continue;
      const table = new Table(trun.content, 8);
      const has = table.u32(0) & 0xffffff;
      let row = 8;
      if (has & 1) { offset = base + (table.view.getInt32(row) || 0); row += 4; }
      if (has & 4) row += 4;
      const width = [0x100, 0x200, 0x400, 0x800].filter((bit) => has & bit).length * 4;
      const sizeAt = has & 0x100 ? 4 : 0;
      const fits = width ? Math.floor((table.bytes.length - row) / width) : SAMPLES_MOST;
      for (let left = Math.min(table.u32(4), fits); left > 0; left--, row += width) {
        const length = has & 0x200 ? table.u32(row + sizeAt) : size;
        if (head.u32(4) === id) yield { offset, length };
        offset += length;
      }
    }
    end = offset;
  }
}

/** Yield the samples of a track; the last one may be cut off by the file's end. Throws Unreadable. */
async function* samplesOf(reader, movie, track) {
  let allowed = reader.size * READ_TIMES_MOST, count = 0;
  for await (const place of samplePlaces(reader, movie, track)) {
    if (place.offset >= reader.size || ++count > SAMPLES_MOST) return;
    if (!place.length) continue;
    if (place.length > SAMPLE_BYTES_MOST || (allowed -= place.length) < 0) throw new Unreadable("sample");
    yield await reader.read(place.offset, place.length);
  }
}

/** Yield the NAL units behind big-endian lengths; what is cut off at the end is yielded as far as it goes. */
function* nalUnits(sample, lengthBytes) {
  for (let at = 0; at + lengthBytes < sample.length; ) {
    let length = 0;
    for (let place = 0; place < lengthBytes; place++) length = length * 256 + sample[at + place];
    at += lengthBytes;
    if (length) yield sample.subarray(at, Math.min(at + length, sample.length));
    at += length;
  }
}
