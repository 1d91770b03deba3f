// Toasts, and the spoken announcements beside them.
//
//   import { toast, announce } from "./toast.js";
//   toast("Moved to Thu 17 Dec, 09:00", { tone: "ok", undo: { url: "/calendar/…/undo/", label: "Undo" } });
//   toast("Moved", { undo: { run: () => putBack() } });     // undo in the browser alone
//   announce("Lifted. Use the arrow keys to choose a day.");  // for screen readers, nothing to see
//
// The server asks for one with the header HX-Trigger: {"toast": {"text": "…", "tone": "ok", "undo_url": "…"}}.
import { sprite, postForm, words } from "./page.js";

const LIFETIME_MS = { plain: 6000, undo: 10000, danger: 12000 };
const ICONS = { ok: "circle-check", info: "info-circle", warn: "alert-triangle", danger: "alert-circle" };

const region = () => document.getElementById("toasts");

/** Put the region on top of an open dialog: the last popover shown is the highest. */
function raise(shown) {
  if (!shown.showPopover) return;
  if (shown.matches(":popover-open")) shown.hidePopover();
  shown.showPopover();
}

/** Say something through the polite live region. */
export function announce(text) {
  const live = document.getElementById("live");
  if (!live) return;
  live.textContent = "";
  // A region that gets the same text twice stays silent: empty it first, fill it in the next frame.
  requestAnimationFrame(() => { live.textContent = text; });
}

/** Keep an existing toast element alive for a while: pauses under the pointer or the focus, closes by its button. */
function start(element, lifetime) {
  let timer = 0;
  const close = () => {
    clearTimeout(timer);
    element.remove();
  };
  const wait = () => {
    clearTimeout(timer);
    timer = setTimeout(close, lifetime);
  };
  const hold = () => clearTimeout(timer);
  element.addEventListener("mouseenter", hold);
  element.addEventListener("focusin", hold);
  element.addEventListener("mouseleave", wait);
  element.addEventListener("focusout", wait);
  element.querySelector("[data-toast-close]")?.addEventListener("click", close);
  wait();
  return close;
}

/**
 * Show a toast.
 * @param {string} text a sentence, shown as text (never as HTML)
 * @param {{tone?: "ok"|"info"|"warn"|"danger", undo?: {url?: string, label?: string, run?: () => void}}} options
 * @returns {() => void} closes it
 */
export function toast(text, { tone = "info", undo } = {}) {
  // The same words again: one toast, the newest. An undo belongs to what was done last.
  for (const shown of region().querySelectorAll(".toast")) {
    if (shown.querySelector(".toast-text")?.textContent.trim() === text) shown.remove();
  }
  const element = document.createElement("div");
  element.className = "toast";
  element.dataset.tone = tone;
  if (tone === "danger") element.setAttribute("role", "alert");
  element.append(sprite(ICONS[tone] ?? ICONS.info));

  const sentence = document.createElement("span");
  sentence.className = "toast-text grow";
  sentence.textContent = text;
  element.append(sentence);

  let close = () => element.remove();
  if (undo) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "toast-undo";
    button.textContent = undo.label ?? words("undo");
    button.addEventListener("click", async () => {
      button.disabled = true;
      if (undo.run) await undo.run();
      else await takeBack(undo.url);
      close();
    });
    element.append(button);
  }
  const cross = document.createElement("button");
  cross.type = "button";
  cross.dataset.toastClose = "";
  cross.setAttribute("aria-label", words("close"));
  cross.append(sprite("x", "icon icon-sm"));
  element.append(cross);

  const shown = region();
  shown.append(element);
  raise(shown);
  while (shown.children.length > 4) shown.firstElementChild.remove();
  close = start(element, tone === "danger" ? LIFETIME_MS.danger : undo ? LIFETIME_MS.undo : LIFETIME_MS.plain);
  return close;
}

async function takeBack(url) {
  if (window.htmx) {
    // The answer may swap parts out of band and bring its own toast.
    await window.htmx.ajax("POST", url, { source: document.body, swap: "none" });
    return;
  }
  const answer = await postForm(url);
  if (answer.redirected || answer.ok) window.location.reload();
  else toast(words("undo_failed"), { tone: "danger" });
}

export function setUpToasts() {
  for (const element of region()?.querySelectorAll(".toast") ?? []) {
    start(element, element.dataset.tone === "danger" ? LIFETIME_MS.danger : LIFETIME_MS.plain);
  }
  document.body.addEventListener("toast", (event) => {
    const { text, value, tone, undo_url: undoUrl, undo_label: label } = event.detail;
    if (text ?? value) toast(text ?? value, { tone, undo: undoUrl ? { url: undoUrl, label } : undefined });
  });
  document.body.addEventListener("announce", (event) => announce(event.detail.text ?? event.detail.value));

  // A passkey that was cancelled or refused (the sign-in library reports it by this event).
  document.addEventListener("allauth.error", (event) => {
    event.preventDefault();
    toast(words("passkey_failed"), { tone: "warn" });
  });

  // A request that brought no answer, or one that htmx does not swap, says so instead of doing nothing.
  const sayOffline = (event) => {
    if (!event.detail.elt.closest("[data-poll]")) toast(words("offline"), { tone: "danger" });
  };
  document.body.addEventListener("htmx:sendError", sayOffline);
  document.body.addEventListener("htmx:timeout", sayOffline);
  document.body.addEventListener("htmx:responseError", (event) => {
    const { xhr, elt } = event.detail;
    if (elt.closest("[data-poll]")) return; // it asks again by itself
    if (xhr.getResponseHeader("HX-Trigger")?.includes('"toast"') || xhr.getResponseHeader("X-Organization-Switched")) return;
    const known = { 403: "forbidden", 404: "gone", 409: "conflict", 413: "too_large", 429: "slow_down" };
    toast(words(known[xhr.status] ?? "server_error"), { tone: "danger" });
  });
}
