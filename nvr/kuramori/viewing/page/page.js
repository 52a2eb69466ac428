// Shows pictures that the desk sends and keeps none: no storage, no cache, no address of a picture, no download.
// Pictures are JPEGs that the recorder's confined worker made; no byte of a camera's stream comes here.
"use strict";

const PIECE_MS = 2000;
const AHEAD_MS = 3000;
const STORYBOARD_PIECE_MS = 300000;
const HEAD_BYTES = 16;
const byId = (name) => document.getElementById(name);

let word = "";
let facts = null;
let camera = "";
let frames = []; // {ms, bytes}, in the order of time
let nextMs = 0; // where the following piece begins
let shownMs = 0; // of the picture on the screen
let playing = false;
let fetching = false;
let round = 0; // counts jumps: what was asked before one is not shown after it
let over = false;

const say = (text) => { byId("notice").textContent = text; };

async function ask(path, body) {
  const answer = await fetch(path, {
    method: body === undefined ? "GET" : "POST",
    headers: word ? { "Kuramori-Viewing": word } : {},
    body: body === undefined ? undefined : JSON.stringify(body),
    cache: "no-store", credentials: "omit", redirect: "error", referrerPolicy: "no-referrer",
  });
  if (!answer.ok) throw new Error((await answer.text()).slice(0, 500) || String(answer.status));
  return answer;
}

function readPictures(buffer) {
  const view = new DataView(buffer), found = [];
  for (let at = 0; at + HEAD_BYTES <= buffer.byteLength;) {
    const size = view.getUint32(at + 12);
    found.push({ ms: Number(view.getBigInt64(at)) / 1000, bytes: new Uint8Array(buffer, at + HEAD_BYTES, size) });
    at += HEAD_BYTES + size;
  }
  return found;
}

async function piece(detail, fromMs, toMs) {
  const names = new URLSearchParams({ camera, detail, from_utc_ms: Math.floor(fromMs), to_utc_ms: Math.floor(toMs) });
  const answer = await ask("/pictures?" + names);
  const following = Number(answer.headers.get("Kuramori-Next-Utc-Ms"));
  return { pictures: readPictures(await answer.arrayBuffer()), following };
}

async function draw(canvas, bytes) {
  let picture, close;
  if (window.ImageDecoder) {
    const decoder = new ImageDecoder({ data: bytes, type: "image/jpeg" });
    picture = (await decoder.decode()).image;
    close = () => { picture.close(); decoder.close(); };
  } else {
    picture = await createImageBitmap(new Blob([bytes], { type: "image/jpeg" }));
    close = () => picture.close();
  }
  canvas.width = picture.displayWidth || picture.width;
  canvas.height = picture.displayHeight || picture.height;
  canvas.getContext("2d").drawImage(picture, 0, 0);
  close();
}

function clock(ms, fine) {
  const how = { timeZone: facts.time_zone, hour12: false, hour: "2-digit", minute: "2-digit", second: "2-digit" };
  if (fine) Object.assign(how, { year: "numeric", month: "2-digit", day: "2-digit", fractionalSecondDigits: 1 });
  return new Intl.DateTimeFormat(facts.language, how).format(new Date(ms));
}

async function show(frame) {
  if (frame.ms - shownMs > PIECE_MS && shownMs) say(facts.texts.gap + " " + clock(shownMs, true) + " – " + clock(frame.ms, true));
  shownMs = frame.ms;
  await draw(byId("screen"), frame.bytes);
  byId("time").textContent = clock(frame.ms, true);
  byId("time").dateTime = new Date(frame.ms).toISOString();
  byId("place").value = 1000 * (frame.ms - facts.from_utc_ms) / (facts.to_utc_ms - facts.from_utc_ms);
  document.documentElement.dataset.shown = String(Number(document.documentElement.dataset.shown || 0) + 1);
}

async function fill() {
  if (fetching || over || nextMs >= facts.to_utc_ms) return;
  const last = frames.length ? frames[frames.length - 1].ms : 0;
  if (last > shownMs + AHEAD_MS) return;
  fetching = true;
  const mine = round;
  try {
    const got = await piece("full", nextMs, nextMs + PIECE_MS);
    if (mine !== round) return;
    frames = frames.filter((frame) => frame.ms > shownMs - PIECE_MS).concat(got.pictures);
    nextMs = got.following;
  } catch (fault) {
    stop(fault.message);
  } finally {
    fetching = false;
  }
}

const following = () => frames.find((frame) => frame.ms > shownMs);

async function jump(ms) {
  round += 1;
  frames = [];
  nextMs = Math.max(facts.from_utc_ms, Math.min(ms, facts.to_utc_ms - 1));
  shownMs = 0;
  const mine = round;
  while (mine === round && !following() && nextMs < facts.to_utc_ms && !over) {
    await fill();
    await new Promise((go) => setTimeout(go, 10));
  }
  if (mine === round && following()) await show(following());
}

async function play() {
  playing = !playing;
  byId("play").textContent = playing ? facts.texts.pause : facts.texts.play;
  let atMs = shownMs, since = performance.now();
  while (playing && !over) {
    fill();
    const frame = following();
    if (!frame) {
      if (nextMs >= facts.to_utc_ms && !fetching) break;
      await new Promise((go) => setTimeout(go, 20));
      [atMs, since] = [shownMs, performance.now()];
      continue;
    }
    const speed = Number(byId("speed").value);
    const waitMs = (frame.ms - atMs) / speed - (performance.now() - since);
    if (waitMs > 0 && waitMs < 1500) await new Promise((go) => setTimeout(go, waitMs));
    [atMs, since] = [frame.ms, performance.now()];
    if (playing && frames.includes(frame)) await show(frame);
  }
  playing = false;
  byId("play").textContent = facts.texts.play;
}

async function storyboard() {
  const box = byId("storyboard"), mine = camera;
  box.replaceChildren();
  for (let at = facts.from_utc_ms; at < facts.to_utc_ms && mine === camera && !over;) {
    const got = await piece("storyboard", at, Math.min(at + STORYBOARD_PIECE_MS, facts.to_utc_ms));
    for (const picture of got.pictures) {
      if (mine !== camera) return;
      const button = document.createElement("button"), canvas = document.createElement("canvas");
      await draw(canvas, picture.bytes);
      button.append(canvas, clock(picture.ms, false));
      button.addEventListener("click", () => {
        if (facts.detail === "full") jump(picture.ms); else say(clock(picture.ms, true));
      });
      box.append(button);
    }
    at = got.following;
  }
  box.dataset.whole = "yes";
}

function stop(text) {
  over = true;
  playing = false;
  frames = [];
  round += 1;
  byId("main").remove();
  say(text);
}

async function choose(name) {
  camera = name;
  byId("camera").textContent = facts.cameras.filter((one) => one.name === name).map((one) => one.name + " " + one.place)[0];
  try {
    if (facts.detail === "full") await jump(facts.from_utc_ms);
    await storyboard();
  } catch (fault) {
    if (!over) stop(fault.message);
  }
}

function lay() {
  document.documentElement.lang = facts.language;
  document.title = byId("site").textContent = facts.site;
  byId("what").textContent = facts.what;
  byId("rule").textContent = facts.texts.rule;
  for (const [name, text] of Object.entries(facts.texts)) {
    if (byId(name) && byId(name).tagName === "BUTTON") byId(name).textContent = text;
  }
  for (const one of facts.cameras) byId("cameras").add(new Option(one.name + " " + one.place, one.name));
  if (facts.detail !== "full") byId("full").hidden = true;
  byId("main").hidden = false;
  byId("play").addEventListener("click", play);
  byId("back").addEventListener("click", () => jump(shownMs - 10000));
  byId("forth").addEventListener("click", () => following() && show(following()).then(fill));
  byId("place").addEventListener("change", () => jump(
    facts.from_utc_ms + byId("place").value / 1000 * (facts.to_utc_ms - facts.from_utc_ms)));
  byId("cameras").addEventListener("change", () => choose(byId("cameras").value));
  byId("end").addEventListener("click", async () => { const text = facts.texts.ended; await ask("/end", {}); stop(text); });
}

async function begin() {
  const token = location.hash.slice(1);
  history.replaceState(null, "", location.pathname); // the address stands in no history
  document.addEventListener("contextmenu", (event) => event.preventDefault());
  try {
    const answer = await (await ask("/enter", { token })).json();
    word = answer.word;
    facts = answer.facts;
  } catch (fault) {
    byId("main").remove();
    say(fault.message);
    return;
  }
  addEventListener("pagehide", () => fetch("/end", {
    method: "POST", keepalive: true, headers: { "Kuramori-Viewing": word }, body: "{}", credentials: "omit" }));
  lay();
  await choose(facts.cameras[0].name);
}

begin();
