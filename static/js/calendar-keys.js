// Moving posts by keyboard: Space lifts and drops a card, arrows carry it, Shift and an arrow move it at once.
import { columns, focusOn, neighbour, places, STOPS, walk } from "./calendar-focus.js";
import { unmark } from "./calendar-drag.js";
import { move, put, wordsFor } from "./calendar-moves.js";
import { cardOf, isEditable, isShown, postsOf, words } from "./calendar-page.js";
import { isTyping } from "./page.js";
import { announce } from "./toast.js";

let lifted = null; // { card, origin, next, place }

function lift(card) {
  if (!isEditable()) return announce(words("read_only"));
  lifted = { card, origin: card.parentElement, next: card.nextSibling, place: card.closest("[data-place]") };
  lifted.from = lifted.place;
  card.classList.add("is-lifted");
  announce(words("lifted", { post: card.textContent.replace(/\s+/g, " ").trim() }));
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
  const [postId] = postsOf(card);
  await move(card, place, put(card, place));
  const now = cardOf(postId);
  focusOn(now && isShown(now) ? now : document.getElementById(place.id));
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
  const element = event.target.closest?.(`${STOPS}, .tray-card[data-post]`);
  if (!element) return null;
  const isCard = element.hasAttribute("data-post");
  let done = true;
  if (isArrow && event.shiftKey && isCard) nudge(element, event.key);
  else if (isArrow && element.closest("[data-roving]")) walk(element, event.key);
  else if (event.key === " " && isCard) lift(element);
  else if (event.key === "m" && isCard && isEditable()) openMove(postsOf(element));
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

function openMove([postId, ...others]) {
  const together = new URLSearchParams(others.map((other) => ["with", other]));
  return window.htmx.ajax("GET", `/posts/${postId}/move/?${together}`, { target: "#move-dialog-body", swap: "innerHTML" });
}

const openDay = (place) => window.htmx.ajax("GET", place.dataset.drawer, { target: "#drawer-body", swap: "innerHTML" });

export const isLifted = () => lifted !== null;

document.addEventListener("keydown", onKey, { capture: true });
