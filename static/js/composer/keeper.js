// The promise that no text is lost: drafts on the server, a copy in the browser, and what to do when both are stuck.
import { toast } from "../toast.js";
import { wasSwitched } from "../organization.js";
import { pageHeaders } from "../page.js";
import { changed, form, words } from "./form.js";
import { addTile, tilesOf } from "./pictures.js";
import { followShared, markOwn, panels, shared, showTab } from "./variants.js";
import { momentInWords, showWhen } from "./when.js";

const SAVE_AFTER_MS = 2500;
const KEEP_AFTER_MS = 300;
const RETRY_MS = 15000;

const { scope, name } = form.dataset;
const storageKey = (id) => `${scope}:${id}`;
const takesAutosave = form.dataset.takesAutosave === "yes";

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

const LOOSE = new Set(["csrfmiddlewaretoken", "_organization", "tab", "preview", "begun", "refused", "group", "post", "version", "when", "date", "time", "fold", "instead"]);

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
    assets: tilesOf(into).filter((tile) => tile.dataset.asset).map((tile) => {
      const picture = tile.querySelector("img");
      return { id: tile.dataset.asset, thumbnail: new URL(picture.src, location.href).pathname, file: picture.dataset.full, alt: tile.querySelector("[data-tile-alt]").value };
    }),
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
  const { at } = document.getElementById("when-words").dataset; // as the server read the two fields
  if (at && form.querySelector("[name=when]:checked")?.value === "at") address.searchParams.set("at", at);
  if (address.href !== location.href) history.replaceState(null, "", address);
}

/** What this page has seen of the stored draft: a save that is built on anything else is refused and asked about. */
function setVersion(version) {
  for (const field of document.querySelectorAll("input[name=version]")) field.value = version;
}

export const conflictBox = document.getElementById("composer-conflict");

export const keeper = {
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
export function forgetWhatWasSaved() {
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

export function offerRecovery() {
  const lost = findLost();
  const note = document.getElementById("composer-recovery");
  if (!lost) return;
  const time = momentInWords(new Date(lost.kept.at));
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

form.addEventListener("composechange", () => keeper.changed());
