// What was found, in words: the sentences of verdict_words.py, put together as verdict_texts.py does. Every text is made
// in both languages and shown in one. Must not know how anything was found.

const BREAKS_SHOWN = 10, GAPS_SHOWN = 20;
const ZONE_NAMES = { "Asia/Tokyo": "JST", "Etc/UTC": "UTC", UTC: "UTC" };
const NEWEST_SECOND = 253402300799; // 9999-12-31

const inLanguage = (text, language) => (typeof text === "object" ? text[language] : String(text));

/** Return words in both languages with their facts; a fact in both goes into each in its own. */
function say(template, facts = {}) {
  const filled = (language) =>
    template[language].replace(/\{(\w+)\}/g, (_, name) => inLanguage(facts[name], language));
  return { en: filled("en"), ja: filled("ja") };
}

function clockOf(zone) {
  const options = {
    calendar: "gregory", numberingSystem: "latn", hourCycle: "h23", year: "numeric", month: "2-digit", day: "2-digit",
    hour: "2-digit", minute: "2-digit", second: "2-digit", timeZoneName: "longOffset",
  };
  let format;
  try {
    format = new Intl.DateTimeFormat("en-US", { ...options, timeZone: zone });
  } catch {
    [zone, format] = ["UTC", new Intl.DateTimeFormat("en-US", { ...options, timeZone: "UTC" })];
  }
  return (us) => {
    const seconds = Math.floor(us / 1e6);
    if (seconds > NEWEST_SECOND) return "?";
    const part = Object.fromEntries(format.formatToParts(new Date(seconds * 1000)).map((one) => [one.type, one.value]));
    const year = part.year.padStart(4, "0");
    const name = ZONE_NAMES[zone] || part.timeZoneName.replace("GMT", "UTC");
    return `${year}-${part.month}-${part.day} ${part.hour}:${part.minute}:${part.second} ${name}`;
  };
}

function breakWords(place, clock) {
  const words = { altered: "changed", "left out": "left_out", "moved or repeated": "moved" }[place.kind];
  const numbers = place.fromPicture === place.toPicture ? place.fromPicture : `${place.fromPicture}-${place.toPicture}`;
  return say(WORDS.particulars[words], { span: `${clock(place.fromUs)} - ${clock(place.toUs)}`, numbers });
}

function clipSentence(finding, clock) {
  const { verdict, match, sound } = finding;
  const camera = `${finding.camera} ${finding.place}`.trim();
  const span = `${clock(finding.fromUs)} - ${clock(finding.toUs)}`;
  const words = WORDS.verdicts;
  if (verdict === "unchanged") return say(words.unchanged, { camera, span });
  if (verdict === "genuine") return say(words.genuine, { camera, span });
  if (verdict === "genuine-part") return say(words.genuine_part, { camera, span });
  if (verdict === "unknown") return say(finding.format === "format" ? WORDS.page.not_mp4 : words.unknown);
  const shownAsRecorded = match && match.isRun && !finding.otherSets && !finding.otherOrder;
  if (shownAsRecorded && sound && ["altered", "unreadable"].includes(sound.verdict)) return say(words.altered_sound, { camera });
  if (match && match.breaks.length) return say(words.altered, { place: breakWords(match.breaks[0], clock), camera });
  const what = say(WORDS.particulars[finding.otherSets ? "parameter_sets" : "edit_list"]);
  return say(words.altered_showing, { camera, what });
}

function sentence(answer, clock) {
  const deciding = answer.clips.find((one) => one.verdict === answer.verdict);
  if (deciding) return clipSentence(deciding, clock);
  if (answer.verdict === "unchanged") return say(WORDS.verdicts.unchanged_files);
  if (answer.verdict === "forged" && answer.detail === "certificate") return say(WORDS.verdicts.wrong_key);
  const words = { altered: "altered_file", forged: "forged" }[answer.verdict] || "damaged";
  return say(WORDS.verdicts[words], { what: answer.detail });
}

const grouped = (fingerprint) => fingerprint.match(/.{4}/g).join(" ");

function* factsOf(answer, clock) {
  const { manifest, signer } = answer;
  const spanOf = (one) => `${clock(one.fromMs * 1000)} - ${clock(one.toMs * 1000)}`;
  const words = WORDS.facts;
  if (manifest) yield say(words.request, { request: manifest.request, site: manifest.site, span: spanOf(manifest) });
  if (signer && answer.trusted === null) yield say(words.compare, { fingerprint: grouped(signer.fingerprint) });
  for (const camera of manifest ? manifest.cameras : []) {
    for (const one of camera.decisions) yield say(words.decision, { camera: camera.camera, ...one });
    for (const gap of camera.gaps.slice(0, GAPS_SHOWN)) {
      const reason = gap.reason ? WORDS.gaps[gap.reason.toLowerCase()] || WORDS.gaps[""] : WORDS.particulars.erased;
      yield say(words.gap, { camera: camera.camera, span: spanOf(gap), words: reason });
    }
  }
  for (const finding of answer.clips) yield* clipFacts(finding, clock);
  if (answer.extra.length) {
    yield say(words.extra, { names: answer.extra.slice(0, BREAKS_SHOWN).map(printable).join(", ") });
  }
}

function* clipFacts(finding, clock) {
  const words = WORDS.facts;
  for (const place of finding.match ? finding.match.breaks.slice(1, BREAKS_SHOWN) : []) {
    yield say(words.also, { place: breakWords(place, clock) });
  }
  if (finding.otherTracks.length) yield say(words.other_tracks, { kinds: [...new Set(finding.otherTracks)].join(", ") });
  const marks = finding.match ? finding.match.marks : [];
  for (const mark of marks) yield say(words[mark.isSigned ? "mark_signed" : "mark_made_up"], mark);
  if (marks.length > 1) yield say(words.marks_mixed);
  if (finding.sound) {
    const kind = { absent: "sound_absent", unreadable: "sound_unreadable", altered: "sound_altered" }[finding.sound.verdict];
    yield say(words[kind || "sound_right"], finding.sound);
  }
  if (["genuine", "genuine-part"].includes(finding.verdict)) yield say(words.times);
  if (finding.vouched) yield say(words.self_vouched, { count: finding.vouched });
}

/** Return the answer for programs, as `kuramori verify --json` gives it. */
function report(answer, language) {
  const clock = clockOf(answer.manifest ? answer.manifest.timeZone : "UTC");
  const { manifest, signer } = answer;
  return {
    verdict: answer.verdict,
    detail: inLanguage(answer.detail, language),
    sentence: sentence(answer, clock)[language],
    facts: [...factsOf(answer, clock)].map((one) => one[language]),
    request: manifest && { id: manifest.request, site: manifest.site, from_utc_ms: manifest.fromMs, to_utc_ms: manifest.toMs },
    certificate: signer && { sha256: grouped(signer.fingerprint), trusted: answer.trusted },
    clips: answer.clips.map((one) => ({
      verdict: one.verdict,
      camera: one.camera,
      place: one.place,
      file: one.file,
      from_utc_us: one.fromUs,
      to_utc_us: one.toUs,
      units: one.match ? one.match.units : 0,
      known: one.match ? one.match.known : 0,
      places: (one.match ? one.match.breaks : []).map((place) => ({
        kind: place.kind,
        from_utc_us: place.fromUs,
        to_utc_us: place.toUs,
        from_picture: place.fromPicture,
        to_picture: place.toPicture,
      })),
      other_tracks: one.otherTracks,
      other_parameter_sets: one.otherSets,
      marks: (one.match ? one.match.marks : []).map((mark) => ({
        request: mark.request,
        opening: mark.opening,
        register_entry: mark.entry,
        signed: mark.isSigned,
      })),
      sound: one.sound,
      segments_vouched_by_the_manifest: one.vouched,
    })),
    extra_files: answer.extra,
  };
}
