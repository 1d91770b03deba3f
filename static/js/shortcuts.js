// Keyboard: `?` help, `g` + letter to go somewhere, `n` new post, `/` search, j/k and Enter in lists, Escape closes.
//
// A page adds its own:  <a data-shortcut="e" …> is clicked by that key;  <ul data-list> has its items walked by j/k
// (its direct children, or [data-list-item] inside).
import { address, isTyping } from "./page.js";
import { openDialog } from "./dialog.js";

const GO_TO = { h: "home", c: "calendar", p: "posts", i: "inbox", m: "media", s: "settings", o: "connections" };
const SEQUENCE_MS = 1200;

let waitingForLetter = 0;

function items(list) {
  const marked = list.querySelectorAll("[data-list-item]");
  return marked.length ? [...marked] : [...list.children];
}

function walk(step) {
  const list = document.querySelector("[data-list]");
  if (!list) return false;
  const all = items(list);
  const now = all.findIndex((item) => item.classList.contains("is-cursor"));
  const next = all[Math.min(all.length - 1, Math.max(0, now === -1 ? 0 : now + step))];
  if (!next) return false;
  for (const item of all) item.classList.toggle("is-cursor", item === next);
  const focusable = next.matches("a, button") ? next : next.querySelector("a, button");
  focusable?.focus({ preventScroll: true });
  next.scrollIntoView({ block: "nearest" });
  return true;
}

function go(key) {
  const to = address(GO_TO[key]);
  if (to) window.location.assign(to);
  return Boolean(to);
}

function handle(event) {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
  if (document.querySelector("dialog[open]")) return;

  if (waitingForLetter && Date.now() - waitingForLetter < SEQUENCE_MS) {
    waitingForLetter = 0;
    if (go(event.key)) event.preventDefault();
    return;
  }
  waitingForLetter = 0;
  if (event.key === "g") {
    waitingForLetter = Date.now();
    return;
  }
  let done = true;
  if (event.key === "?") openDialog(document.getElementById("shortcuts-dialog"));
  else if (event.key === "/") {
    const search = document.querySelector("[data-search]");
    search?.focus();
    search?.select?.();
    done = Boolean(search);
  } else if (event.key === "j") done = walk(1);
  else if (event.key === "k") done = walk(-1);
  else {
    const own = /^[a-z0-9]$/.test(event.key) && document.querySelector(`[data-shortcut="${event.key}"]`);
    if (own) own.click();
    else if (event.key === "n" && address("new_post")) window.location.assign(address("new_post"));
    else done = false;
  }
  if (done) event.preventDefault();
}

export function setUpShortcuts() {
  document.addEventListener("keydown", handle);
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && event.target.matches?.("[data-search]")) event.target.blur();
  });
}
