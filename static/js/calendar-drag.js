// Dragging a card with the mouse or a finger (SortableJS lifts it; only the place under the pointer counts).
import { isEditable } from "./calendar-page.js";
import { move, put, wordsFor } from "./calendar-moves.js";

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

export function unmark(place) {
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

export function makeSortable(root) {
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

export const isDragging = () => dragged !== null;

document.addEventListener("pointerdown", point, { passive: true });
document.addEventListener("pointermove", point, { passive: true });
document.addEventListener("touchmove", point, { passive: true });
