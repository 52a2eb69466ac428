// manifest.json as a stranger brought it: strict JSON, and of its fields those that verification needs, each checked.
// Must not know signatures or files.

const MANIFEST = "manifest.json", SIGNATURE = "manifest.p7s";
const MANIFEST_BYTES_MOST = 128 << 20;
const LEVELS_MOST = 16, FILES_MOST = 512, PROOF_MOST = 128, RUNS_MOST = 65536, SETS_MOST = 256;
const BUNDLE_NAME = /^(?:[a-z0-9][a-z0-9-]{0,31}\/)?[a-zA-Z0-9][a-zA-Z0-9._-]{0,79}$/;
const STATES = ["open", "closed", "recovered", "damaged"];

/** Return a stranger's text so that it cannot play with the page: one line, 64 characters, nothing invisible. */
const printable = (text) =>
  [...text].slice(0, 64).map((one) => (one !== " " && /[\p{C}\p{Z}]/u.test(one) ? "?" : one)).join("");

const octets = (value, length) => fromBase64(value, length);

function number(value) {
  if (!Number.isSafeInteger(value) || value < 0) throw new Malformed();
  return value;
}

function words(value) {
  if (typeof value !== "string") throw new Malformed();
  return printable(value);
}

function nameOf(value) {
  if (typeof value !== "string" || !BUNDLE_NAME.test(value)) throw new Malformed();
  return value;
}

function list(value, most = Infinity) {
  if (!Array.isArray(value) || value.length > most) throw new Malformed();
  return value;
}

/** Return a value in the one spelling of RFC 8785; whole numbers only, at most LEVELS_MOST deep. */
function canonical(value, levels = LEVELS_MOST) {
  if (!levels) throw new Malformed();
  if (Array.isArray(value)) return `[${value.map((one) => canonical(one, levels - 1)).join(",")}]`;
  if (value !== null && typeof value === "object") {
    const said = Object.keys(value).sort().map((name) => `${JSON.stringify(name)}:${canonical(value[name], levels - 1)}`);
    return `{${said.join(",")}}`;
  }
  if (typeof value === "number" && !Number.isSafeInteger(value)) throw new Malformed();
  return JSON.stringify(value);
}

/** Return what the manifest says. Throws Failed, and nothing else. */
function readManifest(content) {
  try {
    const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(content);
    const plain = JSON.parse(text);
    if (canonical(plain) !== text || plain.kuramori !== "clip manifest" || plain.version !== 1) throw new Malformed();
    octets(plain.recorder_id, 16);
    return {
      site: words(plain.site),
      timeZone: words(plain.time_zone),
      request: words(plain.request.id),
      fromMs: number(plain.asked.from_utc_ms),
      toMs: number(plain.asked.to_utc_ms),
      files: list(plain.files, FILES_MOST).map((one) => ({
        name: nameOf(one.name),
        bytes: number(one.bytes),
        sha256: octets(one.sha256, 32),
      })),
      cameras: list(plain.cameras).map(readCamera),
    };
  } catch (fault) {
    if (fault instanceof Malformed || fault instanceof TypeError || fault instanceof SyntaxError || fault instanceof RangeError) {
      throw new Failed("damaged", MANIFEST);
    }
    throw fault;
  }
}

function readCamera(plain) {
  const clips = list(plain.clips).map((one) => ({
    file: nameOf(one.file),
    leaves: nameOf(one.leaves),
    codec: words(one.codec),
    sets: new Set(list(one.parameter_sets).map((set) => hexOf(octets(set)))),
    sound: one.sound ? nameOf(one.sound.frames_file) : "",
  }));
  const segments = list(plain.segments).map(readSegment);
  if (segments.some((one) => one.clip >= clips.length)) throw new Malformed();
  return {
    camera: words(plain.camera),
    place: words(plain.place),
    number: number(plain.number),
    clips,
    segments,
    gaps: list(plain.gaps).map((one) => ({
      fromMs: number(one.from_utc_ms),
      toMs: number(one.to_utc_ms),
      reason: words(one.reason),
    })),
    decisions: list((plain.sound || {}).decisions || []).map((one) => ({
      who: words(one.who),
      date: words(one.date),
      reason: words(one.reason),
    })),
  };
}

function readSegment(plain) {
  if (!STATES.includes(plain.state)) throw new Malformed();
  return {
    clip: number(plain.clip),
    sequence: number(plain.sequence),
    uid: octets(plain.segment_uid, 16),
    state: plain.state,
    headerDigest: octets(plain.header_digest, 32),
    footer: octets(plain.footer),
    salt: octets(plain.nal_salt, 32),
    root: octets(plain.nal_root, 32),
    leaves: number(plain.nal_leaves),
    runs: list(plain.runs, RUNS_MOST).map((one) => ({
      first: number(one.first),
      count: number(one.count),
      proof: list(one.proof, PROOF_MOST).map((value) => octets(value, 32)),
    })),
  };
}
