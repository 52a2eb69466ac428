// The page itself: which files were given, and the answer. What comes from files is shown as text only, never as markup.

const FILES_LOOKED_AT = 4 * FILES_MOST;
const given = { bundle: [], clip: [] }; // of { path, file }
const at = (id) => document.getElementById(id);
let newest = null;

/** Return the bundle's files by their names: from where the manifest lies, one folder deep. */
function bundleOf(entries) {
  const manifests = entries.map((one) => one.path).filter((path) => path.split("/").pop() === MANIFEST);
  const depth = (path) => path.split("/").length;
  const nearest = manifests.sort((one, other) => depth(one) - depth(other))[0] || MANIFEST;
  const base = nearest.slice(0, nearest.length - MANIFEST.length);
  const files = new Map();
  for (const { path, file } of entries) {
    const name = path.startsWith(base) ? path.slice(base.length) : "";
    if (BUNDLE_NAME.test(name) && files.size < FILES_MOST) files.set(name, file);
  }
  return files;
}

const chosen = (input) =>
  [...input.files].slice(0, FILES_LOOKED_AT).map((file) => ({ path: file.webkitRelativePath || file.name, file }));

/** Return what was dropped. A folder that the browser does not open for pages from files throws what it throws. */
async function dropped(items) {
  const found = [];
  const walk = async (entry, levels) => {
    if (found.length >= FILES_LOOKED_AT) return;
    if (entry.isFile) {
      const file = await new Promise((done, fault) => entry.file(done, fault));
      found.push({ path: entry.fullPath.replace(/^\//, ""), file });
    } else if (levels) {
      const reader = entry.createReader();
      for (let more = true; more; ) {
        const inside = await new Promise((done, fault) => reader.readEntries(done, fault));
        for (const one of inside) await walk(one, levels - 1);
        more = inside.length > 0 && found.length < FILES_LOOKED_AT;
      }
    }
  };
  const roots = [];
  for (const item of items) {
    const entry = item.webkitGetAsEntry ? item.webkitGetAsEntry() : null;
    if (entry && entry.isDirectory) roots.push(entry);
    else if (item.getAsFile()) found.push({ path: item.getAsFile().name, file: item.getAsFile() });
  }
  for (const root of roots) await walk(root, 3);
  return found;
}

function take(zone, entries) {
  if (!entries.length) return;
  given[zone] = zone === "clip" ? entries.slice(0, 1) : entries;
  show();
}

function show() {
  at("bundle-names").textContent = given.bundle.map((one) => printable(one.path.split("/").pop())).join(", ");
  at("clip-names").textContent = given.clip.map((one) => printable(one.path.split("/").pop())).join(", ");
  at("verify").disabled = !given.bundle.length;
  tell();
}

function tell() {
  const language = document.documentElement.lang;
  at("result").hidden = !newest;
  if (!newest) return;
  const said = newest.fault ? { verdict: "failed", sentence: newest.fault[language], facts: [] } : report(newest, language);
  at("result").dataset.verdict = said.verdict;
  at("sentence").textContent = said.sentence;
  at("facts").replaceChildren(
    ...said.facts.map((text) => Object.assign(document.createElement("li"), { textContent: text })),
  );
  at("fingerprint").textContent = said.certificate ? said.certificate.sha256 : "";
  at("certificate").hidden = !said.certificate;
  at("report").textContent = JSON.stringify(said, null, 2);
}

async function verify() {
  const typed = at("compare").value.replace(/[\s:]/g, "").toLowerCase();
  at("result").hidden = true;
  at("verify").disabled = true;
  at("progress").hidden = false;
  newest = null;
  try {
    if (!window.crypto || !crypto.subtle) newest = { fault: WORDS.page.no_cryptography };
    else if (typed && !/^[0-9a-f]{64}$/.test(typed)) newest = { fault: WORDS.page.no_fingerprint };
    else {
      const clip = given.clip.length ? given.clip[0].file : null;
      const progress = (name, done) => (at("progress").value = done);
      newest = await new Verification(bundleOf(given.bundle), { clip, fingerprint: typed, progress }).run();
    }
  } catch (fault) {
    newest = { fault: say(WORDS.page.failed, { what: printable(String(fault && fault.name)) }) };
  }
  at("progress").hidden = true;
  show();
}

for (const zone of ["bundle", "clip"]) {
  const place = at(`${zone}-zone`);
  for (const input of place.querySelectorAll("input")) {
    input.addEventListener("click", () => (input.value = "")); // so that the same name can be chosen again
    input.addEventListener("change", () => take(zone, chosen(input)));
  }
  place.addEventListener("dragover", (event) => event.preventDefault());
  place.addEventListener("drop", async (event) => {
    event.preventDefault();
    try {
      take(zone, await dropped(event.dataTransfer.items));
    } catch {
      newest = { fault: WORDS.page.no_folder };
      tell();
    }
  });
}
window.addEventListener("dragover", (event) => event.preventDefault());
window.addEventListener("drop", (event) => event.preventDefault());
at("verify").addEventListener("click", verify);
at("forget-clip").addEventListener("click", () => {
  given.clip = [];
  newest = null;
  show();
});
for (const language of ["en", "ja"]) {
  at(`in-${language}`).addEventListener("click", () => {
    document.documentElement.lang = language;
    tell();
  });
}
document.documentElement.lang = (navigator.language || "").toLowerCase().startsWith("ja") ? "ja" : "en";
at("refused").hidden = true;
show();
