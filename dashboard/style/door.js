/* The one way in for files: a drop anywhere in the window, and whatever is chosen by a click, goes through one queue in
   the browser to the one uploader of the page (`dashboard.case.door`).

   An uploader that has given its files away is drawn anew under the next number, "st-key-uploader-3". Files are handed
   to one uploader at a time and count as taken only when a higher number stands there: what is dropped while the page
   loads or changes waits here, and what an uploader took down with it is handed over again. So is what it shows no sign
   of: a run of the page that begins just then makes the server forget its leave to upload (`ForwardMsgQueue.clear`).

   The browser sends a drop to the element that was last dragged over, even if the page has taken that one away since:
   nobody hears it. So a veil that is no part of the page lies over all of it, and out of the way of other uploaders.
   Folders: https://developer.mozilla.org/docs/Web/API/DataTransferItem/webkitGetAsEntry */

const OWN = '[class*="st-key-uploader-"]', DROPZONE = "[data-testid=stFileUploaderDropzone]";
const FAILED = "[data-testid=stFileChipIconError]", SHOWN = "[data-testid=stFileChip]";
const VEIL = "door-veil";
const LOOK_MS = 60, SLOW_MS = 400, SAID_MS = 8000; // how often the uploader is looked for; when "Opening…" is said
const SILENT_MS = 800; // after which files that an uploader does not show are handed to it again, and twice that later
const MOST_FILES = 4000;
const LOOKS = `position:fixed;z-index:9999990;pointer-events:none;display:none;place-items:center;
  font:600 1.25rem system-ui,sans-serif;color:#fff;`;

const door = (window.ortholensDoor ??= { waiting: [], handed: null, says: {}, reading: 0 });

/* The uploader that stands on the page, and its number. */
function uploader() {
  const own = document.querySelector(OWN), input = own?.querySelector("input[type=file]");
  const number = own?.className.match(/st-key-uploader-(\d+)/);
  return input && number ? { input, own, number: Number(number[1]) } : null;
}

function give(files, { input, number }, patience = SILENT_MS) {
  const transfer = new DataTransfer();
  for (const file of files) transfer.items.add(file);
  door.handed = { files, input, number, patience, until: performance.now() + patience };
  door.giving = true; // not to be taken for the choice of a reader
  input.files = transfer.files;
  input.dispatchEvent(new Event("change", { bubbles: true }));
  door.giving = false;
}

/* Hand over what waits, as soon as there is somebody to take it, and again where it went down with its uploader. */
function pump() {
  clearTimeout(door.timer);
  const there = uploader(), { handed } = door;
  if (there && handed) {
    if (there.number > handed.number) door.handed = null;
    else if (there.input !== handed.input) give(handed.files, there);
    else if (there.own.querySelector(FAILED)) door.handed = null; // the uploader says what is wrong
    else if (there.own.querySelector(SHOWN)) handed.until = Infinity; // on their way
    else if (performance.now() > handed.until) give(handed.files, there, 2 * handed.patience);
  }
  if (there && !door.handed && door.waiting.length) give(door.waiting.splice(0), there);
  const busy = door.reading || door.handed || door.waiting.length;
  door.since = busy ? (door.since ?? performance.now()) : null;
  if (busy) door.timer = setTimeout(pump, LOOK_MS);
  if (performance.now() > (door.until ?? 0)) pill(busy && performance.now() - door.since > SLOW_MS ? door.says.opening : "");
  else door.timer ??= setTimeout(pump, SAID_MS);
}

function take(files) {
  const most = (door.says.most_mb ?? Infinity) * 2 ** 20;
  const large = files.filter((file) => file.size > most), few = files.filter((file) => file.size <= most);
  if (large.length) say(`${large[0].name}: ${door.says.large}`);
  if (few.length > MOST_FILES) say(door.says.many);
  door.waiting.push(...few.slice(0, MOST_FILES));
  pump();
}

function element(id, style) {
  let found = document.getElementById(id);
  if (!found) {
    found = document.createElement("div");
    found.id = id;
    found.style.cssText = LOOKS + style;
    document.body.append(found);
  }
  return found;
}

function veil(shown) {
  const found = element(VEIL, `inset:0;pointer-events:auto;background:rgba(6,38,36,.72);backdrop-filter:blur(2px);
    outline:3px dashed #5CC7BC;outline-offset:-18px;`);
  found.textContent = door.says.drop ?? "";
  found.style.display = shown ? "grid" : "none";
  door.veiled = shown;
}

function pill(text) {
  const found = element("door-pill", `left:50%;bottom:3.5rem;transform:translateX(-50%);max-width:80vw;padding:.6rem 1.1rem;
    border-radius:2rem;background:#0A3F3C;font-size:1rem;`);
  found.setAttribute("role", "status");
  if (found.textContent !== text) found.textContent = text ?? "";
  found.style.display = text ? "grid" : "none";
}

function say(text) {
  door.until = performance.now() + SAID_MS;
  pill(text);
  setTimeout(pump, SAID_MS + LOOK_MS);
}

/* Files of an entry of the file system, those of a folder under their path in it. */
async function filesOf(entry, path = "") {
  if (entry.isFile) {
    const file = await new Promise((resolve) => entry.file(resolve, () => resolve(null)));
    return file ? [path ? named(file, path + file.name) : file] : [];
  }
  const reader = entry.createReader(), files = [];
  for (;;) {
    const some = await new Promise((resolve) => reader.readEntries(resolve, () => resolve([])));
    if (!some.length || files.length > MOST_FILES) return files;
    for (const one of some) files.push(...(await filesOf(one, `${path}${entry.name}/`)));
  }
}

function named(file, path) {
  return new File([file], path, { type: file.type, lastModified: file.lastModified });
}

async function takeDrop(transfer) {
  const items = [...transfer.items].filter((item) => item.kind === "file"); // gone once this task ends
  const dropped = items.map((item) => ({ entry: item.webkitGetAsEntry?.(), file: item.getAsFile() }));
  door.reading += 1;
  pump();
  const found = await Promise.all(dropped.map(({ entry, file }) => (entry?.isDirectory ? filesOf(entry) : file)));
  door.reading -= 1;
  take(found.flat().filter(Boolean));
}

/* Let the reader choose files, or a folder, by a click. */
function browse(folder) {
  const input = document.createElement("input");
  Object.assign(input, { type: "file", multiple: true, webkitdirectory: folder });
  input.addEventListener("change", () => take([...input.files].map((file) =>
    file.webkitRelativePath ? named(file, file.webkitRelativePath) : file)));
  input.click();
}

/* Whether a drag is for this door: it carries files, and is not over the uploader of something else. */
function ours(event) {
  if (![...(event.dataTransfer?.types ?? [])].includes("Files")) return false;
  const under = document.elementsFromPoint(event.clientX, event.clientY).find((one) => one.id !== VEIL);
  const zone = under?.closest(DROPZONE);
  return !zone || Boolean(zone.closest(OWN));
}

function onDrag(event) {
  clearTimeout(door.leaving);
  if (!ours(event)) return veil(false);
  event.preventDefault();
  event.stopPropagation();
  event.dataTransfer.dropEffect = "copy";
  veil(true);
}

function onLeave() {
  clearTimeout(door.leaving);
  door.leaving = setTimeout(() => veil(false), 120); // the next dragover comes sooner, if the drag is still inside
}

function onDrop(event) {
  veil(false);
  if (!ours(event)) return;
  event.preventDefault();
  event.stopPropagation();
  takeDrop(event.dataTransfer);
}

function onChange(event) {
  if (door.giving || !event.target.matches?.(`${OWN} input[type=file]`)) return;
  event.stopImmediatePropagation();
  const files = [...event.target.files];
  event.target.value = "";
  take(files);
}

if (!door.open) {
  door.open = true;
  for (const name of ["dragenter", "dragover"]) window.addEventListener(name, onDrag, true);
  window.addEventListener("dragleave", onLeave, true);
  window.addEventListener("drop", onDrop, true);
  window.addEventListener("pointermove", () => door.veiled && veil(false), true); // nothing is dragged any more
  window.addEventListener("change", onChange, true);
  window.addEventListener("ortholens-browse", (event) => browse(event.detail.folder));
}

export default function ({ data }) {
  door.says = data; // stays when the element goes: a drop in between is kept
  pump();
}
