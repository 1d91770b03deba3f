// The calendar in the browser: dragging (SortableJS), moving by keyboard, live changes, and where the focus is.
//
// A place is whatever a card can be dropped on: [data-place] (a day, an hour, the tray), and a card is [data-post].
// Every move asks the server, which answers with the days that it touched; until then the card stands where it was
// dropped, and goes back when the answer does not come.
import { closeDialog } from "./dialog.js";
import { setUpFilters } from "./filters.js";
import { wasSwitched } from "./organization.js";
import { isTyping, pageHeaders, words as pageWords } from "./page.js";
import { announce, toast } from "./toast.js";

const POLL_MS = 5000;
const POLL_SLOWEST_MS = 60000;
const FIRST_HOUR_SHOWN = 7;

const texts = JSON.parse(document.getElementById("calendar-words").textContent);
const words = (key, values = {}) => texts[key].replace(/\{(\w+)\}/g, (_, name) => values[name] ?? "");
const calendar = () => document.getElementById("calendar");
const isEditable = () => calendar().hasAttribute("data-editable");
const view = () => calendar().dataset.view;

// --- talking to the server ----------------------------------------------------------------------------------------

/** Put an answer's out-of-band parts into the page, keep the focus, and raise the events that it asks for. */
function take(answer, markup) {
  const focused = document.activeElement?.id;
  const spec = { swapStyle: "none", swapDelay: 0, settleDelay: 0 };
  if (markup.trim()) window.htmx.swap(document.body, markup, spec, { eventInfo: { target: document.body } });
  const triggers = answer.headers.get("HX-Trigger");
  if (triggers) {
    for (const [name, detail] of Object.entries(JSON.parse(triggers))) {
      document.body.dispatchEvent(new CustomEvent(name, { bubbles: true, detail }));
    }
  }
  if (focused) queueMicrotask(() => {
    if (!document.activeElement || document.activeElement === document.body) focusOn(document.getElementById(focused));
  });
}

function headers() {
  return { ...pageHeaders(), "HX-Request": "true", "HX-Current-URL": window.location.href };
}

/** Move a post. Resolves to true when it was moved, false when it stays where it was. */
async function send(postId, fields) {
  let answer;
  try {
    answer = await fetch(`/calendar/posts/${postId}/drop/`, {
      method: "POST", body: new URLSearchParams(fields), headers: headers(), credentials: "same-origin",
    });
  } catch {
    toast(pageWords("offline"), { tone: "danger" });
    return null;
  }
  if (answer.redirected) { // signed out in another tab: the sign-in page says the rest
    window.location.reload();
    return null;
  }
  if (answer.ok || answer.status === 422) {
    take(answer, await answer.text());
    return answer.ok;
  }
  if (wasSwitched(answer)) return null;
  const known = { 403: "forbidden", 404: "gone" };
  toast(pageWords(known[answer.status] ?? "server_error"), { tone: "danger" });
  return null;
}

/** What a place means to the server. */
function fieldsOf(place) {
  if (place.hasAttribute("data-tray")) return { to: "tray" };
  const fields = { to: "day", day: place.dataset.date };
  if (place.dataset.hour !== undefined) fields.hour = place.dataset.hour;
  return fields;
}

/** The time that a card would get at a place, as people read it. */
function wordsFor(card, place) {
  if (place.hasAttribute("data-tray")) return words("tray");
  const own = card.dataset.time;
  let clock = own ?? place.dataset.default ?? "";
  if (place.dataset.hour !== undefined) {
    clock = `${place.dataset.hour.padStart(2, "0")}:${own ? own.slice(3) : "00"}`;
  }
  const spoken = clock ? `${place.dataset.name}, ${clock}` : place.dataset.name;
  return place.hasAttribute("data-past") ? words("past", { place: spoken }) : spoken;
}

const isHere = (card, place) => card.closest("[data-place]") === place;

/** Put a card into a place on the page alone; returns what puts it back. */
function put(card, place) {
  const parent = card.parentElement;
  const next = card.nextSibling;
  const list = place.matches("[data-drop]") ? place : place.querySelector("[data-drop]");
  list.append(card);
  card.classList.remove("is-settled", "is-refused");
  card.classList.add("is-saving");
  return () => {
    card.classList.remove("is-saving");
    if (parent.isConnected) parent.insertBefore(card, next?.parentElement === parent ? next : null);
  };
}

async function move(card, place, putBack) {
  const moved = await send(card.dataset.post, fieldsOf(place));
  if (moved === null) putBack();
  // A tray card that became a card of a day was replaced there: drop the one that stood in for it.
  if (card.isConnected && card.classList.contains("is-saving") && document.querySelectorAll(`[id="${card.id}"]`).length > 1) card.remove();
  return moved;
}

// --- dragging -----------------------------------------------------------------------------------------------------

let dragged = null; // { card, origin, next, place, hint }
let pointer = { x: 0, y: 0 };

function placeUnder(x, y) {
  for (const element of document.elementsFromPoint(x, y)) {
    const place = element.closest("[data-place]");
    if (place) return place;
  }
  return null;
}

function point(event) {
  const at = event.touches?.[0] ?? event;
  if (at.clientX === undefined) return;
  pointer = { x: at.clientX, y: at.clientY };
  if (dragged) follow();
}

/** Mark the place under the pointer and say beside it what time a drop would mean. */
function follow() {
  const { card, hint } = dragged;
  const place = placeUnder(pointer.x, pointer.y);
  if (place !== dragged.place) {
    unmark(dragged.place);
    dragged.place = place;
    if (place && place !== dragged.from) {
      place.classList.add(place.hasAttribute("data-past") ? "is-drop-refused" : "is-drop-target");
    }
    hint.hidden = !place;
    if (place) hint.textContent = wordsFor(card, place);
  }
  hint.style.left = `${Math.min(pointer.x + 14, window.innerWidth - hint.offsetWidth - 8)}px`;
  hint.style.top = `${Math.min(pointer.y + 18, window.innerHeight - hint.offsetHeight - 8)}px`;
}

function unmark(place) {
  place?.classList.remove("is-drop-target", "is-drop-refused");
}

function begin({ item }) {
  const hint = document.createElement("div");
  hint.className = "drag-hint";
  document.body.append(hint);
  document.documentElement.classList.add("is-dragging");
  dragged = { card: item, from: item.closest("[data-place]"), origin: item.parentElement, next: item.nextSibling, place: null, hint };
  follow();
}

function end() {
  const { card, from, origin, next, place, hint } = dragged;
  hint.remove();
  unmark(place);
  document.documentElement.classList.remove("is-dragging");
  dragged = null;
  swallowClick();
  // Sortable has put the card somewhere on its way; from here on only the place under the pointer counts.
  origin.insertBefore(card, next?.parentElement === origin ? next : null);
  if (!place || place === from) return;
  move(card, place, put(card, place));
}

/** The click that ends a drag is no click on the card. */
function swallowClick() {
  const swallow = (event) => {
    event.preventDefault();
    event.stopImmediatePropagation();
  };
  window.addEventListener("click", swallow, { capture: true, once: true });
  setTimeout(() => window.removeEventListener("click", swallow, { capture: true }), 60);
}

function makeSortable(root) {
  if (!isEditable() || !window.Sortable) return;
  const lists = root.matches?.("[data-drop]") ? [root] : [...(root.querySelectorAll?.("[data-drop]") ?? [])];
  for (const list of lists) {
    if (window.Sortable.get(list)) continue;
    window.Sortable.create(list, {
      group: "posts", sort: false, draggable: "[data-post]", animation: 120, forceFallback: true, fallbackOnBody: true,
      fallbackTolerance: 4, delay: 220, delayOnTouchOnly: true, touchStartThreshold: 6, scrollSensitivity: 60,
      ghostClass: "is-placeholder", chosenClass: "is-chosen", dragClass: "is-lifted", onStart: begin, onEnd: end,
    });
  }
}

// --- the focus: one tab stop for all days, arrow keys inside ------------------------------------------------------

const places = () => [...document.querySelectorAll("[data-roving] [data-place]")].filter((place) => place.offsetParent !== null);
const stops = (place) => [place, ...place.querySelectorAll(".post-card, .agenda-row[data-post], .day-more")];

function focusOn(element) {
  if (!element) return;
  const root = element.closest("[data-roving]");
  if (root) {
    for (const other of root.querySelectorAll("[tabindex='0']")) other.tabIndex = -1;
    element.tabIndex = 0;
  }
  element.focus({ preventScroll: true });
  element.scrollIntoView({ block: "nearest", inline: "nearest" });
}

/** Take everything inside the days out of the tab order but one, so that Tab leaves the grid after one step. */
function rove() {
  const root = document.querySelector("[data-roving]");
  if (!root) return;
  let stop = root.querySelector("[tabindex='0']");
  for (const element of root.querySelectorAll("[data-place], a, button")) {
    if (element.matches("a.week-head")) continue;
    element.tabIndex = -1;
  }
  stop ??= root.querySelector("[data-place].is-today") ?? places()[0];
  if (stop) stop.tabIndex = 0;
}

function columns() {
  if (view() === "month") return window.matchMedia("(max-width: 800px)").matches ? 1 : 7;
  return view() === "week" ? 7 : 1;
}

function neighbour(place, key) {
  const all = places();
  const step = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -columns(), ArrowDown: columns() }[key];
  return all[all.indexOf(place) + step] ?? null;
}

/** Walk: up and down through the cards of a day and on to the day below, left and right from day to day. */
function walk(element, key) {
  const place = element.closest("[data-place]");
  const inside = stops(place);
  const index = inside.indexOf(element);
  if (key === "ArrowDown" && index + 1 < inside.length) return focusOn(inside[index + 1]);
  if (key === "ArrowUp" && index > 0) return focusOn(inside[index - 1]);
  const next = neighbour(place, key);
  if (!next) return turn(place, key);
  const there = stops(next);
  if (key === "ArrowUp") return focusOn(there[there.length - 1]);
  return focusOn(key === "ArrowDown" ? there[0] : there[Math.min(index, there.length - 1)]);
}

/** Walking off the edge turns the page and goes on with the day that comes next. */
function turn(place, key) {
  const back = key === "ArrowLeft" || key === "ArrowUp";
  const day = new Date(`${place.dataset.date}T12:00:00Z`);
  day.setUTCDate(day.getUTCDate() + { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -7, ArrowDown: 7 }[key]);
  const wanted = day.toISOString().slice(0, 10);
  const hour = place.dataset.hour;
  document.body.addEventListener("htmx:afterSettle", () => {
    const found = hour === undefined || view() === "day" ? `day-${wanted}` : `hour-${wanted}-${hour.padStart(2, "0")}`;
    focusOn(document.getElementById(found) ?? places()[0]);
  }, { once: true });
  document.querySelector(back ? "[data-page=previous]" : "[data-page=next]").click();
}

// --- moving by keyboard -------------------------------------------------------------------------------------------

let lifted = null; // { card, origin, next, place }

function lift(card) {
  if (!isEditable()) return announce(words("read_only"));
  lifted = { card, origin: card.parentElement, next: card.nextSibling, place: card.closest("[data-place]") };
  lifted.from = lifted.place;
  card.classList.add("is-lifted");
  announce(words("lifted", { post: card.getAttribute("aria-label") ?? card.textContent.trim() }));
  return null;
}

function carry(key) {
  let next;
  if (lifted.place.hasAttribute("data-tray")) next = document.querySelector("[data-roving] [data-place].is-today") ?? places()[0];
  else next = neighbour(lifted.place, key);
  if (!next) return announce(words("edge"));
  unmark(lifted.place);
  lifted.place.classList.remove("is-cursor");
  lifted.place = next;
  next.classList.add("is-cursor");
  next.classList.add(next.hasAttribute("data-past") ? "is-drop-refused" : "is-drop-target");
  next.scrollIntoView({ block: "nearest", inline: "nearest" });
  return announce(words("over", { place: wordsFor(lifted.card, next) }));
}

function lay({ drop }) {
  const { card, place, from } = lifted;
  lifted = null;
  card.classList.remove("is-lifted");
  place.classList.remove("is-cursor");
  unmark(place);
  if (!drop || place === from) {
    announce(words("back"));
    return;
  }
  moveAndFollow(card, place);
}

async function moveAndFollow(card, place) {
  const { id } = card;
  await move(card, place, put(card, place));
  const now = document.getElementById(id);
  focusOn(now && now.offsetParent !== null ? now : document.getElementById(place.id));
}

function nudge(card, key) {
  if (!isEditable()) return announce(words("read_only"));
  const from = card.closest("[data-place]");
  if (from.hasAttribute("data-tray")) return null;
  const next = neighbour(from, key);
  if (!next) return announce(words("edge"));
  return moveAndFollow(card, next);
}

function onKey(event) {
  if (event.ctrlKey && event.key === "z" && !isTyping(event.target)) return undoLast(event);
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return null;
  if (document.querySelector("dialog[open]")) return null;
  const isArrow = /^Arrow(Left|Right|Up|Down)$/.test(event.key);
  if (lifted) {
    if (isArrow) carry(event.key);
    else if (event.key === " " || event.key === "Enter") lay({ drop: true });
    else if (event.key === "Escape" || event.key === "Tab") lay({ drop: false });
    else return null;
    event.preventDefault();
    event.stopPropagation();
    return null;
  }
  if (event.key === "z") return undoLast(event);
  const element = event.target.closest?.("[data-roving] [data-place], [data-roving] .post-card, [data-roving] .agenda-row, [data-roving] .day-more, .tray-card[data-post]");
  if (!element) return null;
  const isCard = element.hasAttribute("data-post");
  let done = true;
  if (isArrow && event.shiftKey && isCard) nudge(element, event.key);
  else if (isArrow && element.closest("[data-roving]")) walk(element, event.key);
  else if (event.key === " " && isCard) lift(element);
  else if (event.key === "m" && isCard && isEditable()) openMove(element.dataset.post);
  else if (event.key === "Enter" && !isCard && element.matches("[data-place]")) openDay(element);
  else if (event.key === "PageUp" || event.key === "PageDown") document.querySelector(event.key === "PageUp" ? "[data-page=previous]" : "[data-page=next]").click();
  else done = false;
  if (done) {
    event.preventDefault();
    event.stopPropagation();
  }
  return null;
}

function undoLast(event) {
  const buttons = document.querySelectorAll(".toast-undo:not(:disabled)");
  if (!buttons.length) return;
  event.preventDefault();
  buttons[buttons.length - 1].click();
}

const openMove = (postId) => window.htmx.ajax("GET", `/posts/${postId}/move/`, { target: "#move-dialog-body", swap: "innerHTML" });
const openDay = (place) => window.htmx.ajax("GET", place.dataset.drawer, { target: "#drawer-body", swap: "innerHTML" });

// --- live: what changed on the server appears without a reload ----------------------------------------------------

let wait = POLL_MS;
let timer = 0;

function busy() {
  return dragged || lifted || document.hidden || document.querySelector(".is-saving, #calendar-filters details[open]");
}

async function poll() {
  clearTimeout(timer);
  if (!busy()) await refresh();
  timer = setTimeout(poll, wait);
}

async function refresh() {
  const versions = [...document.querySelectorAll("#calendar [data-version]")].map((day) => day.dataset.version).join(",");
  const tray = document.getElementById("calendar-aside").dataset.version;
  const asked = calendar();
  try {
    const answer = await fetch(`${asked.dataset.changes}&${new URLSearchParams({ versions, tray })}`, {
      headers: headers(), credentials: "same-origin", redirect: "manual",
    });
    wait = answer.ok ? POLL_MS : Math.min(wait * 2, POLL_SLOWEST_MS);
    if (answer.status !== 200) {
      wasSwitched(answer, { once: true });
      return;
    }
    const markup = await answer.text();
    if (!busy() && asked === calendar()) take(answer, markup);
  } catch {
    wait = Math.min(wait * 2, POLL_SLOWEST_MS); // the server is away: ask less often, say nothing
  }
}

// --- set up -------------------------------------------------------------------------------------------------------

function prepare(root) {
  makeSortable(root);
  rove();
}

function showNow() {
  const scroller = document.scrollingElement;
  if (view() === "month" && columns() === 1 && scroller.scrollTop === 0) {
    const today = document.querySelector(".day.is-today");
    if (today) scroller.scrollTop = today.getBoundingClientRect().top;
    return;
  }
  const week = document.querySelector(".week");
  const head = week?.querySelector(".week-head.is-today");
  if (head && week.scrollWidth > week.clientWidth) week.scrollLeft = head.offsetLeft - week.querySelector(".week-head").offsetWidth;
  const now = document.querySelector(".hour-cell.is-now");
  const target = now ?? document.querySelector(`.hour-label[data-hour="${FIRST_HOUR_SHOWN}"]`);
  if (target && scroller.scrollTop === 0) {
    const earlier = Math.max(0, Number(target.dataset.hour) - 2);
    const label = document.querySelector(`.hour-label[data-hour="${earlier}"]`);
    scroller.scrollTop = label.getBoundingClientRect().top - 170;
  }
}

document.addEventListener("pointerdown", point, { passive: true });
document.addEventListener("pointermove", point, { passive: true });
document.addEventListener("touchmove", point, { passive: true });
document.addEventListener("keydown", onKey, { capture: true });
document.addEventListener("focusin", (event) => {
  const stop = event.target.closest?.("[data-roving] [data-place], [data-roving] .post-card, [data-roving] .agenda-row, [data-roving] .day-more");
  if (stop && stop === event.target && stop.tabIndex !== 0) focusOn(stop);
});
document.addEventListener("click", (event) => {
  // Ctrl, Shift or the middle button open a card's page in a new tab, as on any link.
  if ((event.ctrlKey || event.metaKey || event.shiftKey) && event.target.closest?.("a[hx-get]")) event.stopPropagation();
  if (event.target.closest?.("[data-print]")) window.print();
  // A click into the empty space of a day starts a post there.
  if (event.target.matches?.("[data-roving] [data-drop], [data-roving] .day")) focusOn(event.target.closest("[data-place]"));
}, { capture: true });
document.addEventListener("dblclick", (event) => {
  const place = event.target.closest?.("[data-roving] [data-place]");
  if (place && !event.target.closest("[data-post]")) place.querySelector(".day-add, .hour-add")?.click();
});
document.addEventListener("visibilitychange", () => { if (!document.hidden) poll(); });
document.body.addEventListener("calendar:refresh", () => refresh());
document.body.addEventListener("closeDialog", () => { for (const dialog of document.querySelectorAll("dialog[open]")) closeDialog(dialog); });
window.htmx.onLoad((element) => {
  prepare(element);
  if (element.id === "calendar") showNow();
});
document.body.addEventListener("htmx:beforeRequest", (event) => {
  if (event.detail.target?.id === "calendar") calendar().classList.add("is-loading");
});

setUpFilters("calendar-filters");
prepare(document);
showNow();
timer = setTimeout(poll, POLL_MS);
