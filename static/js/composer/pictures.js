// Images of a composition: trays, uploads, order, and the library.
import { announce, toast } from "../toast.js";
import { closeDialog } from "../dialog.js";
import { enhanceDrop, uploadFile } from "../upload.js";
import { showAlt } from "./alt-text.js";
import { changed, form, words } from "./form.js";

const tileTemplate = document.getElementById("media-tile-template");
const problems = document.getElementById("upload-problems");
export const tilesOf = (tray) => [...tray.querySelectorAll("[data-tile]")];

function tray() {
  const own = form.querySelector("[data-own-media]:not([hidden]) [data-own-tray]:not([hidden]) [data-tray]");
  return own ?? document.getElementById("shared-tray");
}

function fillTile(tile, into, asset) {
  tile.dataset.asset = asset.id;
  tile.removeAttribute("data-state");
  const picture = tile.querySelector("img");
  picture.src = asset.thumbnail;
  picture.dataset.full = asset.file;
  tile.querySelector("progress").hidden = true;
  const id = tile.querySelector("[data-tile-id]");
  id.name = into.dataset.tray;
  id.value = asset.id;
  const alt = tile.querySelector("[data-tile-alt]");
  alt.name = into.dataset.alt;
  if (!alt.value) alt.value = asset.alt ?? "";
  showAlt(tile);
}

export function addTile(into, asset = null) {
  const tile = tileTemplate.content.firstElementChild.cloneNode(true);
  into.insertBefore(tile, into.querySelector(".media-drop"));
  tile.querySelector("[data-tile-alt]").hidden = true;
  if (asset) fillTile(tile, into, asset);
  return tile;
}

const has = (into, id) => tilesOf(into).some((tile) => tile.dataset.asset === id);

function sayRefused(text) {
  const row = document.getElementById("upload-problem-template").content.firstElementChild.cloneNode(true);
  row.querySelector("[data-problem-text]").textContent = text;
  problems.append(row);
}

problems.addEventListener("click", (event) => {
  if (!event.target.closest("[data-problem-close]")) return;
  event.target.closest(".callout").remove();
  tray().querySelector("input[type=file]")?.focus();
});

async function addFile(into, file) {
  const tile = addTile(into);
  const bar = tile.querySelector("progress");
  const picture = tile.querySelector("img");
  const address = URL.createObjectURL(file);
  picture.addEventListener("error", () => picture.removeAttribute("src"), { once: true });
  picture.src = address;
  tile.dataset.state = "uploading";
  bar.hidden = false;
  try {
    const [asset] = await uploadFile(form.dataset.upload, file, { onProgress: (share) => { bar.value = share * 100; }, failed: words.upload_failed });
    if (has(into, asset.id)) tile.remove();
    else fillTile(tile, into, asset);
    if (asset.note) toast(asset.note);
  } catch (error) {
    tile.remove();
    waiting = false; // what was to be sent would go out without it
    sayRefused(error.message);
  } finally {
    URL.revokeObjectURL(address);
    changed();
    sendWhenUploaded();
  }
}

// A post must not go out without the picture that is still on its way: sending waits for it.
let waiting = false;
const isUploading = () => form.querySelector("[data-tile][data-state=uploading]") !== null;

function sendWhenUploaded() {
  if (!waiting || isUploading()) return;
  waiting = false;
  form.requestSubmit(document.getElementById("composer-submit"));
}

/** Whether sending has to wait for an upload; it then goes on by itself. */
export function mustWait() {
  if (!isUploading()) return false;
  waiting = true;
  toast(words.waiting);
  return true;
}

function addFiles(files, into = tray()) {
  problems.replaceChildren();
  for (const file of files) addFile(into, file);
}

function move(tile, step) {
  const into = tile.parentElement;
  const tiles = tilesOf(into);
  const to = tiles.indexOf(tile) + step;
  if (to < 0 || to >= tiles.length) return;
  if (step < 0) tiles[to].before(tile);
  else tiles[to].after(tile);
  announce(words.moved.replace("%(n)s", to + 1).replace("%(all)s", tiles.length));
  changed();
}

form.addEventListener("click", (event) => {
  const tile = event.target.closest("[data-tile]");
  const step = event.target.closest("[data-move]");
  if (step) {
    move(tile, Number(step.dataset.move));
    step.focus();
  }
  if (event.target.closest("[data-remove]")) {
    const into = tile.parentElement;
    tile.remove();
    into.querySelector("[data-remove], input[type=file]")?.focus();
    changed();
  }
  if (event.target.closest("[data-add-media]")) tray().querySelector("input[type=file]")?.click();
});

document.addEventListener("click", (event) => {
  const picked = event.target.closest("[data-pick]");
  if (!picked) return;
  const into = tray();
  const asset = JSON.parse(picked.dataset.pick);
  if (!has(into, asset.id)) addTile(into, asset);
  closeDialog(picked.closest("dialog"));
  changed();
});

export function switchOwnMedia(box) {
  const holder = box.closest("[data-own-media]").querySelector("[data-own-tray]");
  const own = holder.querySelector("[data-tray]");
  holder.hidden = !box.checked;
  document.getElementById("shared-tray").hidden = box.checked;
  if (box.checked && tilesOf(own).length === 0) {
    for (const tile of tilesOf(document.getElementById("shared-tray"))) {
      if (!tile.dataset.asset) continue;
      const alt = tile.querySelector("[data-tile-alt]").value;
      const picture = tile.querySelector("img");
      addTile(own, { id: tile.dataset.asset, thumbnail: picture.src, file: picture.dataset.full, alt });
    }
  }
}

for (const into of form.querySelectorAll("[data-tray]")) {
  window.Sortable?.create(into, {
    draggable: "[data-tile]", filter: "input, button", preventOnFilter: false, animation: 120, onEnd: changed,
  });
  into.querySelector("input[type=file]")?.addEventListener("change", (event) => {
    addFiles([...event.target.files], into);
    event.target.value = "";
    event.stopPropagation();
  });
}
if (form.querySelector(".media-drop")) {
  enhanceDrop(document.body, { zones: [document.getElementById("composer-editor"), ...form.querySelectorAll("[data-tray]")], onFiles: addFiles });
}

for (const tile of form.querySelectorAll("[data-tile]")) {
  tile.querySelector("[data-tile-alt]").hidden = true;
  showAlt(tile);
}
