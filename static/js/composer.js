// The composer: variants, pictures, emoji, the checks that the server makes while a person types, and the promise that
// no text is lost. The form is the one truth; everything here reads and writes its fields.
import { announce, toast } from "./toast.js";
import { closeDialog } from "./dialog.js";
import { wasSwitched } from "./organization.js";
import { pageHeaders } from "./page.js";
import { enhanceDrop, uploadFile } from "./upload.js";

const form = document.getElementById("composer");
const words = JSON.parse(document.getElementById("composer-words").textContent);
const SAVE_AFTER_MS = 2500;
const KEEP_AFTER_MS = 300;
const RETRY_MS = 15000;

const { scope, name } = form.dataset;
const storageKey = (id) => `${scope}:${id}`;
const takesAutosave = form.dataset.takesAutosave === "yes";

for (const element of document.querySelectorAll("[data-needs-script]")) element.hidden = false;
for (const input of form.querySelectorAll("input[type=file]")) input.removeAttribute("name"); // uploads go on their own

/** Something on the page changed: ask the server what it thinks, and keep it. */
function changed() {
  form.dispatchEvent(new CustomEvent("composecheck"));
  keeper.changed();
}

// ---- Variants --------------------------------------------------------------------------------------------------------

const shared = document.getElementById("text-all");
const panels = () => [...form.querySelectorAll("[data-variant]")];
const openTab = () => form.elements.tab.value;

function showTab(id, { focus = false } = {}) {
  form.elements.tab.value = id;
  for (const panel of panels()) panel.hidden = panel.dataset.variant !== id;
  for (const tab of form.querySelectorAll("[data-tab]")) {
    const open = tab.dataset.tab === id;
    tab.setAttribute("aria-selected", String(open));
    tab.tabIndex = open ? 0 : -1;
    if (open && focus) tab.focus();
  }
  let own = false;
  for (const box of form.querySelectorAll("[data-own-media]")) {
    const mine = box.dataset.ownMedia === id;
    box.hidden = !mine;
    if (mine) own = box.querySelector("[name=own_media]").checked;
  }
  document.getElementById("shared-tray").hidden = own;
  if (id && form.querySelector(`[data-preview-tab="${id}"]`)) showPreview(id);
}

function markOwn(panel, own) {
  panel.querySelector("[data-own-text]").checked = own;
  panel.querySelector("[data-note-own]").hidden = !own;
  panel.querySelector("[data-note-shared]").hidden = own;
  panel.querySelector("[data-reset-text]").hidden = !own;
}

function followShared() {
  for (const panel of panels()) {
    const box = panel.querySelector("[data-own-text]");
    if (box && !box.checked) panel.querySelector("textarea").value = shared.value;
  }
}

form.addEventListener("input", (event) => {
  if (event.target === shared) followShared();
  const panel = event.target.closest("[data-variant]");
  if (panel?.dataset.variant && event.target.matches("textarea")) markOwn(panel, event.target.value !== shared.value);
  changed();
});

form.addEventListener("click", (event) => {
  const tab = event.target.closest("[data-tab]");
  if (tab) {
    showTab(tab.dataset.tab);
    changed();
  }
  const preview = event.target.closest("[data-preview-tab]");
  if (preview) showPreview(preview.dataset.previewTab);
  const reset = event.target.closest("[data-reset-text]");
  if (reset) {
    const panel = reset.closest("[data-variant]");
    const box = panel.querySelector("textarea");
    box.value = shared.value;
    markOwn(panel, false);
    box.focus();
    changed();
  }
});

form.addEventListener("keydown", (event) => {
  const list = event.target.closest("[role=tablist]");
  if (!list || !["ArrowLeft", "ArrowRight", "Home", "End"].includes(event.key)) return;
  const tabs = [...list.querySelectorAll("[role=tab]")];
  const at = tabs.indexOf(event.target);
  const step = { ArrowLeft: at - 1, ArrowRight: at + 1, Home: 0, End: tabs.length - 1 }[event.key];
  const next = tabs[(step + tabs.length) % tabs.length];
  event.preventDefault();
  next.focus();
  next.click();
});

function showPreview(id) {
  form.elements.preview.value = id;
  for (const tab of form.querySelectorAll("[data-preview-tab]")) tab.setAttribute("aria-selected", String(tab.dataset.previewTab === id));
  for (const panel of form.querySelectorAll("[data-preview-panel]")) panel.hidden = panel.dataset.previewPanel !== id;
}

// An account that is taken out closes its tab; the chips say so before the server does.
form.addEventListener("change", (event) => {
  if (event.target.name === "connections" && !event.target.checked && openTab() === event.target.value) showTab("");
  if (event.target.name === "connections" && event.target.checked) showPreviewOf(event.target.value);
  if (event.target.name === "own_media") switchOwnMedia(event.target);
  if (["date", "time"].includes(event.target.name)) {
    const at = form.querySelector("[name=when][value=at]");
    if (at) at.checked = true;
  }
  showWhen();
  changed();
});

function showPreviewOf(id) {
  form.elements.preview.value = id;
}

function showWhen() {
  const fields = form.querySelector("[data-when-fields]");
  if (fields) fields.hidden = form.querySelector("[name=when]:checked")?.value !== "at";
}

// ---- Emoji and hashtags ----------------------------------------------------------------------------------------------

let lastText = shared;
form.addEventListener("focusin", (event) => {
  if (event.target.matches("[data-text]")) lastText = event.target;
});

function textInUse() {
  if (lastText.offsetParent !== null) return lastText;
  return panels().find((panel) => !panel.hidden)?.querySelector("textarea") ?? shared;
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-insert]");
  if (!button) return;
  const box = textInUse();
  box.setRangeText(button.dataset.insert, box.selectionStart, box.selectionEnd, "end");
  box.dispatchEvent(new Event("input", { bubbles: true }));
  if (!button.closest("[data-emoji]")) box.focus();
});

// ---- Pictures --------------------------------------------------------------------------------------------------------

const tileTemplate = document.getElementById("media-tile-template");
const tilesOf = (tray) => [...tray.querySelectorAll("[data-tile]")];

function tray() {
  const own = form.querySelector("[data-own-media]:not([hidden]) [data-own-tray]:not([hidden]) [data-tray]");
  return own ?? document.getElementById("shared-tray");
}

function fillTile(tile, into, asset) {
  tile.dataset.asset = asset.id;
  tile.removeAttribute("data-state");
  tile.querySelector("img").src = asset.thumbnail;
  tile.querySelector("progress").hidden = true;
  const id = tile.querySelector("[data-tile-id]");
  id.name = into.dataset.tray;
  id.value = asset.id;
  const alt = tile.querySelector("[data-tile-alt]");
  alt.name = into.dataset.alt;
  if (!alt.value) alt.value = asset.alt ?? "";
  alt.disabled = false;
}

function addTile(into, asset = null) {
  const tile = tileTemplate.content.firstElementChild.cloneNode(true);
  into.insertBefore(tile, into.querySelector(".media-drop"));
  if (asset) fillTile(tile, into, asset);
  return tile;
}

const has = (into, id) => tilesOf(into).some((tile) => tile.dataset.asset === id);

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
    tile.dataset.state = "failed";
    bar.hidden = true;
    tile.querySelector("[data-tile-alt]").remove();
    const problem = tile.querySelector(".media-problem");
    problem.textContent = error.message;
    problem.hidden = false;
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
  if (!form.querySelector("[data-tile][data-state=failed]")) form.requestSubmit(document.getElementById("composer-submit"));
}

form.addEventListener("submit", (event) => {
  if (keeper.mustFinish(event.submitter)) {
    event.preventDefault();
    event.stopImmediatePropagation();
    return;
  }
  if (!isUploading()) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  waiting = true;
  toast(words.waiting);
});

function addFiles(files, into = tray()) {
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

function switchOwnMedia(box) {
  const holder = box.closest("[data-own-media]").querySelector("[data-own-tray]");
  const own = holder.querySelector("[data-tray]");
  holder.hidden = !box.checked;
  document.getElementById("shared-tray").hidden = box.checked;
  if (box.checked && tilesOf(own).length === 0) {
    for (const tile of tilesOf(document.getElementById("shared-tray"))) {
      if (!tile.dataset.asset) continue;
      const alt = tile.querySelector("[data-tile-alt]").value;
      addTile(own, { id: tile.dataset.asset, thumbnail: tile.querySelector("img").src, alt });
    }
  }
}

for (const into of form.querySelectorAll("[data-tray]")) {
  window.Sortable?.create(into, {
    draggable: "[data-tile]", filter: ".media-alt, button", preventOnFilter: false, animation: 120, onEnd: changed,
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

// ---- Never loses text ------------------------------------------------------------------------------------------------

const stateLine = document.getElementById("save-state");

function showState(state, text, link) {
  stateLine.dataset.state = state;
  stateLine.textContent = text;
  if (link) {
    const anchor = document.createElement("a");
    anchor.href = link.url;
    anchor.textContent = link.text;
    stateLine.append(" ", anchor);
  }
}

const LOOSE = new Set(["csrfmiddlewaretoken", "_organization", "tab", "preview", "group", "post", "version", "when", "date", "time", "fold", "instead"]);

/** What was written, as pairs, without what does not count as writing. */
function written() {
  return [...new FormData(form)].filter(([key, value]) => typeof value === "string" && !LOOSE.has(key)
    && !(key.startsWith("text-") && !form.querySelector(`[data-own-text][value="${key.slice(5)}"]`)?.checked));
}

const CHOSEN = new Set(["connections", "own_text", "own_media", "campaign"]);
const isEmpty = () => !written().some(([key, value]) => !CHOSEN.has(key) && value.trim());

function snapshot() {
  const trays = [...form.querySelectorAll("[data-tray]")].map((into) => ({
    tray: into.dataset.tray,
    assets: tilesOf(into).filter((tile) => tile.dataset.asset).map((tile) => ({
      id: tile.dataset.asset, thumbnail: new URL(tile.querySelector("img").src, location.href).pathname, alt: tile.querySelector("[data-tile-alt]").value,
    })),
  }));
  const pairs = [...new FormData(form)].filter(([key, value]) => typeof value === "string" && key !== "csrfmiddlewaretoken" && key !== "_organization");
  return { at: new Date().toISOString(), isNew: form.dataset.isNew === "yes", written: written(), pairs, trays };
}

const store = {
  read(key) { try { return JSON.parse(localStorage.getItem(key)); } catch { return null; } },
  write(key, value) { try { localStorage.setItem(key, JSON.stringify(value)); return true; } catch { return false; } },
  drop(key) { try { localStorage.removeItem(key); } catch { /* nothing was kept */ } },
  keys() { try { return Object.keys(localStorage).filter((key) => key.startsWith(`${scope}:`)); } catch { return []; } },
};

/** Put the draft into the address, with the time that was chosen: a reload shows the same page. */
function keepAddress(url) {
  const address = new URL(url, location.href);
  const { date, time } = form.elements;
  if (form.querySelector("[name=when]:checked")?.value === "at" && date?.value && time?.value) address.searchParams.set("at", `${date.value}T${time.value}`);
  if (address.href !== location.href) history.replaceState(null, "", address);
}

/** What this page has seen of the stored draft: a save that is built on anything else is refused and asked about. */
function setVersion(version) {
  for (const field of document.querySelectorAll("input[name=version]")) field.value = version;
}

const conflictBox = document.getElementById("composer-conflict");

const keeper = {
  keepTimer: 0,
  saveTimer: 0,
  saving: false,
  version: 0,
  savedVersion: 0,
  start: JSON.stringify(written()),
  conflict: false,
  unanswered: null, // a save that was sent and whose answer is not known
  repeated: false,
  leftEmpty: false,
  submitter: null, // the button that waits for a save to end

  changed() {
    this.version += 1;
    clearTimeout(this.keepTimer);
    this.keepTimer = setTimeout(() => this.keep(), KEEP_AFTER_MS);
    if (this.conflict) return;
    if (takesAutosave) {
      if (!this.saving && stateLine.dataset.state !== "offline") showState("pending", words.unsaved);
      this.later(SAVE_AFTER_MS);
    } else showState("unsaved", words.kept);
  },
  keep() {
    if (JSON.stringify(written()) === this.start && !store.read(storageKey(name))) return;
    store.write(storageKey(name), snapshot());
  },
  later(delay) {
    clearTimeout(this.saveTimer);
    this.saveTimer = setTimeout(() => this.save(), delay);
  },
  async save() {
    if (!takesAutosave || this.saving || this.conflict || (this.version === this.savedVersion && !this.unanswered)) return;
    // A save whose answer was lost is sent again as it was: the server then knows it for ours, not for somebody else's.
    const sent = this.unanswered ?? { version: this.version, body: new FormData(form) };
    this.unanswered = sent;
    this.saving = true;
    showState("saving", words.saving);
    try {
      const answer = await fetch(form.dataset.autosave, {
        method: "POST", body: sent.body, credentials: "same-origin", redirect: "manual", headers: { ...pageHeaders(), "X-Requested-With": "fetch" },
      });
      if (wasSwitched(answer)) {
        this.unanswered = null;
        this.keep();
        showState("offline", words.other_organization);
        return;
      }
      if (answer.type === "opaqueredirect" || answer.status === 403) {
        const back = encodeURIComponent(form.dataset.address);
        this.unanswered = null;
        showState("offline", words.signed_out, { url: `${form.dataset.signIn}?next=${back}`, text: words.sign_in });
        this.keep();
        return;
      }
      if (!answer.ok) {
        if (answer.status < 500) this.unanswered = null;
        throw new Error(String(answer.status));
      }
      const { state, text, url, version, html } = await answer.json();
      this.unanswered = null;
      this.savedVersion = sent.version;
      if (state === "saved") {
        setVersion(version);
        if (sent.version === this.version) {
          clearTimeout(this.keepTimer);
          store.drop(storageKey(name));
          showState("saved", text);
        }
        if (url) keepAddress(url);
      } else if (state === "conflict") {
        this.ask(html);
      } else if (state === "empty") {
        setVersion(version);
        store.drop(storageKey(name));
        showState("", "");
      } else showState(state === "closed" ? "failed" : "unsaved", text ?? words.kept);
    } catch {
      this.keep();
      showState("offline", words.offline);
      this.later(RETRY_MS);
    } finally {
      this.saving = false;
      if (this.version !== sent.version) this.later(SAVE_AFTER_MS);
      if (this.submitter) {
        // A check that came back meanwhile replaces the main button.
        const button = this.submitter.isConnected ? this.submitter : document.getElementById("composer-submit");
        this.submitter = null;
        form.requestSubmit(button);
      }
    }
  },
  /** Somebody else saved meanwhile: nothing is sent any more until the person has chosen. */
  ask(html) {
    this.conflict = true;
    clearTimeout(this.saveTimer);
    this.keep();
    showState("failed", words.unsaved);
    conflictBox.innerHTML = html;
    conflictBox.scrollIntoView({ block: "nearest" });
  },
  keepMine(version) {
    setVersion(version);
    conflictBox.replaceChildren();
    this.conflict = false;
    this.savedVersion = -1;
    this.save();
  },
  /** Whether sending has to wait for a save of this page: it would look like somebody else's. */
  mustFinish(button) {
    if (!this.saving && (!this.unanswered || this.repeated)) return false;
    this.submitter = button ?? document.getElementById("composer-submit");
    clearTimeout(this.saveTimer);
    if (!this.saving) {
      this.repeated = true; // once: without a connection sending tells more than waiting
      this.save();
    }
    return true;
  },
  leave() {
    this.leftEmpty = takesAutosave && isEmpty() && (form.dataset.isNew === "no" || this.savedVersion > 0);
    if (this.version === this.savedVersion && !this.leftEmpty) return;
    this.keep();
    if (!takesAutosave || this.submitted || this.conflict) return;
    this.unanswered = { version: this.version, body: new FormData(form) };
    if (this.leftEmpty) this.unanswered.body.append("leaving", "1");
    navigator.sendBeacon?.(form.dataset.autosave, this.unanswered.body);
  },
};

conflictBox.addEventListener("click", (event) => {
  const button = event.target.closest("[data-keep-mine]");
  if (!button) return;
  event.preventDefault();
  keeper.keepMine(button.value);
  shared.focus();
});
window.addEventListener("online", () => keeper.save());
document.addEventListener("organization-back", () => {
  form.dispatchEvent(new CustomEvent("composecheck"));
  keeper.save();
});
window.addEventListener("pagehide", () => keeper.leave());
document.addEventListener("visibilitychange", () => { if (document.visibilityState === "hidden" && !keeper.submitted) keeper.save(); });
form.addEventListener("submit", () => {
  keeper.submitted = true;
  clearTimeout(keeper.saveTimer);
  keeper.keep();
});
window.addEventListener("pageshow", (event) => {
  if (!event.persisted) return;
  if (keeper.leftEmpty) window.location.reload(); // the draft of this page is gone
  keeper.submitted = false;
});

// What was saved by hand is named in a cookie; the browser's own copy of it goes.
function forgetWhatWasSaved() {
  const cookie = document.cookie.split("; ").find((part) => part.startsWith("composed="));
  if (!cookie) return;
  for (const id of cookie.slice("composed=".length).split(".")) store.drop(storageKey(id));
  document.cookie = "composed=; path=/; max-age=0; samesite=lax";
}

function findLost() {
  if ("refused" in form.dataset) return null; // the page shows the newest text already
  const own = store.read(storageKey(name));
  if (own) {
    if (JSON.stringify(own.written) !== keeper.start) return { key: storageKey(name), kept: own };
    store.drop(storageKey(name));
  }
  if (form.dataset.isNew !== "yes" || shared.value) return null;
  const others = store.keys().map((key) => ({ key, kept: store.read(key) }))
    .filter(({ kept }) => kept?.isNew && kept.written?.some(([key, value]) => value.trim() && key !== "connections"));
  return others.sort((a, b) => b.kept.at.localeCompare(a.kept.at))[0] ?? null;
}

function restore({ pairs, trays }) {
  const values = new Map();
  for (const [key, value] of pairs) values.set(key, [...(values.get(key) ?? []), value]);
  for (const field of form.elements) {
    if (!field.name || ["group", "post", "csrfmiddlewaretoken", "media", "alt"].includes(field.name) || /^(media|alt)-/.test(field.name)) continue;
    const kept = values.get(field.name) ?? [];
    if (field.type === "checkbox" || field.type === "radio") {
      if (!field.disabled) field.checked = kept.includes(field.value);
    } else if (field.type !== "hidden" && kept.length) [field.value] = kept;
  }
  for (const { tray: trayName, assets } of trays) {
    const into = form.querySelector(`[data-tray="${trayName}"]`);
    if (!into) continue;
    for (const tile of tilesOf(into)) tile.remove();
    for (const asset of assets) addTile(into, asset);
  }
  for (const panel of panels()) {
    const box = panel.querySelector("[data-own-text]");
    if (box) markOwn(panel, box.checked);
  }
  for (const box of form.querySelectorAll("[name=own_media]")) {
    box.closest("[data-own-media]").querySelector("[data-own-tray]").hidden = !box.checked;
  }
  followShared();
  showTab("");
  showWhen();
  changed();
}

function offerRecovery() {
  const lost = findLost();
  const note = document.getElementById("composer-recovery");
  if (!lost) return;
  const at = new Date(lost.kept.at);
  const today = at.toDateString() === new Date().toDateString();
  const time = at.toLocaleString(document.documentElement.lang, today ? { hour: "2-digit", minute: "2-digit", hour12: false } : { dateStyle: "medium", timeStyle: "short", hour12: false });
  note.querySelector("[data-recovery-text]").textContent = words.found.replace("%(time)s", time);
  note.hidden = false;
  const done = () => {
    if (lost.key !== storageKey(name)) store.drop(lost.key);
    note.hidden = true;
    shared.focus();
  };
  note.querySelector("[data-recovery-restore]").addEventListener("click", () => {
    restore(lost.kept);
    done();
    toast(words.restored, { tone: "ok" });
  });
  note.querySelector("[data-recovery-discard]").addEventListener("click", () => {
    store.drop(lost.key);
    done();
  });
}

// ---- Keys, and answers that are not for us -----------------------------------------------------------------------------

document.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && !document.querySelector("dialog[open]")) {
    event.preventDefault();
    form.requestSubmit(document.getElementById("composer-submit"));
  }
});

// Signed out: the check is answered by the sign-in page, which must not be put into this one.
document.body.addEventListener("htmx:beforeSwap", (event) => {
  if (event.detail.elt.id !== "composer-checker") return;
  if (!new URL(event.detail.xhr.responseURL, location.href).pathname.startsWith("/posts/")) event.detail.shouldSwap = false;
});
// A check that fails must not interrupt writing with a message each time; saving tells.
for (const kind of ["htmx:sendError", "htmx:timeout", "htmx:responseError"]) {
  document.addEventListener(kind, (event) => { if (event.detail.elt?.id === "composer-checker") event.stopImmediatePropagation(); }, true);
}

forgetWhatWasSaved();
showTab(openTab());
showWhen();
offerRecovery();
(document.getElementById("composer-refusal") ?? (conflictBox.childElementCount ? conflictBox : null))?.focus();
