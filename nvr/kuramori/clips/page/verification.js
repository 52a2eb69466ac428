// Verifying a bundle, and a clip that was cut or repacked since: signature, digests, proofs. The same steps, in the same
// order and with the same verdicts, as verify.py. Must not know the page.

const LEAVES_BYTES_MOST = 256 << 20;
const VERDICTS = ["unchanged", "genuine", "genuine-part", "altered", "unknown", "damaged", "forged"];

/** One verification. `files`: Map from names in the bundle to File. */
class Verification {
  constructor(files, { clip = null, fingerprint = "", progress = () => {} }) {
    this.files = files;
    this.clip = clip;
    this.fingerprint = fingerprint;
    this.progress = progress;
    this.signer = this.trusted = this.manifest = null;
  }

  async run() {
    const answer = { verdict: "unchanged", detail: "", clips: [], extra: [] };
    try {
      await this.readSigned();
      if (this.clip) answer.clips.push(await this.foreignClip());
      else {
        const altered = await this.digests();
        const clips = await this.ownClips(altered);
        const files = clips.map((one) => one.file);
        const other = [...altered].filter((name) => !files.includes(name)).sort()[0];
        if (other) throw new Failed("altered", other);
        answer.clips.push(...clips);
      }
      const listed = new Set([MANIFEST, SIGNATURE, ...this.manifest.files.map((one) => one.name)]);
      answer.extra = [...this.files.keys()].filter((name) => !listed.has(name)).sort();
      for (const one of answer.clips) {
        if (VERDICTS.indexOf(one.verdict) > VERDICTS.indexOf(answer.verdict)) answer.verdict = one.verdict;
      }
    } catch (fault) {
      if (!(fault instanceof Failed)) throw fault;
      Object.assign(answer, { verdict: fault.verdict, detail: fault.detail, clips: [] });
    }
    return { ...answer, manifest: this.manifest, signer: this.signer, trusted: this.trusted };
  }

  file(name) {
    const found = this.files.get(name);
    if (!found) throw new Failed("damaged", say(WORDS.particulars.missing, { name }));
    return found;
  }

  async content(name, most) {
    const file = this.file(name);
    if (file.size > most) throw new Failed("damaged", say(WORDS.particulars.too_long, { name }));
    return new Uint8Array(await file.arrayBuffer());
  }

  async readSigned() {
    const content = await this.content(MANIFEST, MANIFEST_BYTES_MOST);
    this.signer = await signerOf(content, await this.content(SIGNATURE, SIGNATURE_BYTES_MOST));
    if (this.fingerprint) {
      this.trusted = this.fingerprint === this.signer.fingerprint;
      if (!this.trusted) throw new Failed("forged", "certificate");
    }
    this.manifest = readManifest(content);
  }

  /** Return the names of files that are there but not the signed ones; one that is missing ends it. */
  async digests() {
    const altered = new Set();
    for (const listed of this.manifest.files) {
      const file = this.file(listed.name);
      if (file.size !== listed.bytes || !equalBytes(await this.digestOf(file), listed.sha256)) altered.add(listed.name);
    }
    return altered;
  }

  async digestOf(file) {
    const state = new Sha256();
    for (let at = 0; at < file.size; at += PIECE_BYTES) {
      state.update(new Uint8Array(await file.slice(at, at + PIECE_BYTES).arrayBuffer()));
      this.progress(file.name, Math.min(1, (at + PIECE_BYTES) / file.size));
    }
    return state.digest();
  }

  async ownClips(altered) {
    const found = [];
    for (const camera of this.manifest.cameras) {
      for (const [place, listed] of camera.clips.entries()) {
        if (altered.has(listed.leaves)) throw new Failed("altered", listed.leaves);
        const recorded = await this.recorded(camera, place);
        const file = this.file(listed.file);
        const finding = await this.examined(file, camera, listed, recorded);
        if (!altered.has(listed.file)) {
          const whole = !finding.sound || finding.sound.verdict === "whole";
          const match = finding.match;
          if (!match || !match.isRun || match.known !== recorded.count || !whole) throw new Failed("forged", listed.file);
          finding.verdict = "unchanged";
        } else if (finding.verdict === "unknown" && this.isCutOff(listed.file)) {
          throw new Failed("damaged", say(WORDS.particulars.cut_off, { name: listed.file }));
        }
        found.push(finding);
      }
    }
    return found;
  }

  isCutOff(name) {
    return this.manifest.files.some((one) => one.name === name && this.file(name).size < one.bytes);
  }

  /** Measure a file by each clip of the bundle; the one that knows most of it counts. */
  async foreignClip() {
    const digest = await this.digestOf(this.clip);
    let most = null;
    for (const camera of this.manifest.cameras) {
      for (const [place, listed] of camera.clips.entries()) {
        const finding = await this.examined(this.clip, camera, listed, await this.recorded(camera, place));
        if (this.manifest.files.some((one) => one.name === listed.file && equalBytes(one.sha256, digest))) {
          return { ...finding, verdict: "unchanged" };
        }
        const known = (one) => (one.match ? one.match.known : 0);
        if (!most || known(finding) > known(most)) most = finding;
      }
    }
    if (!most) throw new Failed("damaged", MANIFEST);
    return most;
  }

  /** Return a list of hashes as it was signed. */
  async signedList(name) {
    const content = await this.content(name, LEAVES_BYTES_MOST);
    const signed = this.manifest.files.find((one) => one.name === name);
    if (!signed || content.length % ENTRY_BYTES || !equalBytes(sha256(content), signed.sha256)) {
      throw new Failed("altered", name);
    }
    return content;
  }

  /** Return the leaves of a clip, proven up to the signature. */
  async recorded(camera, place) {
    const listed = camera.clips[place];
    const recorded = new RecordedLeaves(await this.signedList(listed.leaves));
    let at = 0;
    recorded.vouched = 0;
    for (const segment of camera.segments) {
      if (segment.clip !== place) continue;
      const root = await provenRoot(segment, camera, this.signer);
      for (const run of segment.runs) {
        const hashes = recorded.hashes.subarray(32 * at, 32 * (at + run.count));
        if (!provesRange(root, segment.leaves, run.first, hashes, run.proof)) {
          throw new Failed("forged", segmentName(camera, segment));
        }
        recorded.addRun(segment.salt, at);
        at += run.count;
      }
      recorded.vouched += segment.state !== "closed";
    }
    if (at !== recorded.count || !recorded.count) throw new Failed("forged", listed.leaves);
    return recorded;
  }

  /** Tell what a file is, measured by the recorder's leaves of one clip. */
  async examined(file, camera, listed, recorded) {
    const finding = {
      verdict: "unknown", camera: camera.camera, place: camera.place, file: listed.file, match: null, fromUs: 0, toUs: 0,
      otherTracks: [], otherSets: false, otherOrder: false, sound: null, vouched: recorded.vouched, format: "",
    };
    try {
      const reader = new PieceReader(file);
      const movie = await openMovie(reader);
      const track = movie.tracks.find((one) => one.kind === "video");
      const format = track && pictureFormat(track);
      if (!format || format.codec !== listed.codec) return finding;
      await this.match(file, reader, movie, track, format, listed, recorded, finding);
      if (finding.match && listed.sound) await this.addSound(reader, movie, listed, finding);
      for (const mark of finding.match ? finding.match.marks : []) {
        mark.isSigned = await signedBy(this.signer.key, mark.signature, joined(SIGNED_MARK, mark.signed));
      }
    } catch (fault) {
      if (!(fault instanceof Unreadable)) throw fault;
      finding.format = fault.message;
    }
    return finding;
  }

  async match(file, reader, movie, track, format, listed, recorded, finding) {
    const matcher = new LeafMatcher(format.codec, recorded);
    const isOther = (set) => !listed.sets.has(hexOf(trimmed(set)));
    let otherSets = format.sets.some(isOther), read = 0;
    for await (const sample of samplesOf(reader, movie, track)) {
      for (const unit of nalUnits(sample, format.lengthBytes)) {
        matcher.add(unit);
        if (listed.sets.size <= SETS_MOST && isParameterSet(format.codec, unit[0])) otherSets = otherSets || isOther(unit);
      }
      this.progress(file.name, Math.min(1, (read += sample.length) / file.size));
      if (matcher.isHopeless) break;
    }
    const match = matcher.result();
    if (!match.slices) return;
    Object.assign(finding, {
      match,
      verdict: "altered",
      fromUs: recorded.times[match.first],
      toUs: recorded.times[match.last],
      otherTracks: movie.tracks.filter((one) => one !== track).map((one) => one.kind).sort(),
      otherSets,
      otherOrder: track.edits > 1,
    });
    if (match.isRun && !otherSets && !finding.otherOrder) {
      finding.verdict = match.known === recorded.count ? "genuine" : "genuine-part";
    }
  }

  /** Add what became of the sound. Pictures that are genuine do not make sound genuine that was altered. */
  async addSound(reader, movie, listed, finding) {
    const recorded = new RecordedLeaves(await this.signedList(listed.sound)).hashes;
    const track = movie.tracks.find((one) => one.kind === "audio");
    finding.sound = { verdict: recorded.length ? "absent" : "whole", frames: 0, strange: 0 };
    if (!track) return;
    finding.otherTracks.splice(finding.otherTracks.indexOf("audio"), 1);
    finding.sound = { verdict: "unreadable", frames: 0, strange: 0 };
    try {
      if (isAac(track)) finding.sound = await matchedSound(samplesOf(reader, movie, track), recorded);
    } catch (fault) {
      if (!(fault instanceof Unreadable)) throw fault;
    }
    if (["altered", "unreadable"].includes(finding.sound.verdict)) finding.verdict = "altered";
  }
}

/** Compare frames of sound with the digests of those that were handed over. */
async function matchedSound(frames, recorded) {
  const numbers = new Map(); // one number for each different frame
  const whole = [], part = [];
  for (let at = 0; at < recorded.length; at += 32) {
    const name = hexOf(recorded.subarray(at, at + 32));
    if (!numbers.has(name)) numbers.set(name, numbers.size);
    whole.push(numbers.get(name));
  }
  for await (const frame of frames) part.push(numbers.get(hexOf(sha256(frame))) ?? -1);
  if (!part.length) return { verdict: "absent", frames: 0, strange: 0 };
  const strange = part.filter((one) => one < 0).length;
  const verdict = strange || !isRun(part, whole) ? "altered" : part.length === whole.length ? "whole" : "part";
  return { verdict, frames: part.length, strange };
}

/** Tell whether one list stands in another, in time that grows with their lengths only (Knuth, Morris, Pratt). */
function isRun(part, whole) {
  const back = [0];
  for (let at = 1, fits = 0; at < part.length; at++) {
    while (fits && part[at] !== part[fits]) fits = back[fits - 1];
    back.push(part[at] === part[fits] ? ++fits : fits);
  }
  let fits = 0;
  for (const one of whole) {
    while (fits && (fits === part.length || one !== part[fits])) fits = back[fits - 1];
    if (one === part[fits] && ++fits === part.length) return true;
  }
  return false;
}

function joined(...parts) {
  const made = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  parts.reduce((at, part) => (made.set(part, at), at + part.length), 0);
  return made;
}
