// The calendar in the browser. What each part does stands in its own file.
import { makeSortable } from "./calendar-drag.js";
import { columns, focusOn, rove } from "./calendar-focus.js";
import "./calendar-keys.js";
import "./calendar-live.js";
import { calendar, isNarrow, view } from "./calendar-page.js";
import { closeDialog } from "./dialog.js";
import { setUpFilters } from "./filters.js";

const FIRST_HOUR_SHOWN = 7;

function prepare(root) {
  makeSortable(root);
  rove();
}

/** Open at what matters now: today, and around this hour; below what sticks to the top (scroll-margin-top). */
function showNow() {
  const week = document.querySelector(".week");
  const scroller = week && isNarrow() && view() === "week" ? week : document.scrollingElement;
  if (scroller.scrollTop !== 0) return; // somebody came back to where they were
  if (!week) {
    const today = document.querySelector("[data-place].is-today");
    if (today && view() === "month") today.scrollIntoView({ block: columns() === 1 ? "start" : "nearest" });
    return;
  }
  const hours = [...document.querySelectorAll(".hour-label")];
  const now = document.querySelector(".hour-cell.is-now")?.dataset.hour;
  const first = document.querySelector(".hour-cell:has(.post-card)")?.dataset.hour ?? FIRST_HOUR_SHOWN;
  if (view() === "day") {
    hours[now ?? first].scrollIntoView({ block: "nearest" });
    return;
  }
  const hour = Math.max(0, (now ?? FIRST_HOUR_SHOWN + 2) - 2);
  if (scroller !== week) {
    hours[hour].scrollIntoView({ block: "start" });
    return;
  }
  week.scrollTop = hours[hour].offsetTop - hours[0].offsetTop;
  const head = week.querySelector(".week-head.is-today");
  if (head) week.scrollLeft = head.offsetLeft - hours[0].offsetWidth;
}

document.addEventListener("click", (event) => {
  // Ctrl, Shift or the middle button open a page in a new tab, as on any link.
  if ((event.ctrlKey || event.metaKey || event.shiftKey) && event.target.closest?.("a[hx-get]")) event.stopPropagation();
  if (event.target.closest?.("[data-print]")) window.print();
  // A click into the empty space of a day puts the focus there.
  if (event.target.matches?.("[data-roving] [data-drop], [data-roving] .day")) focusOn(event.target.closest("[data-place]"));
}, { capture: true });
document.addEventListener("click", (event) => {
  // A card opens in the drawer; without scripts, or with a key that asks for a new tab, it is a link to its page.
  const card = event.target.closest?.("a[data-post]");
  if (!card || event.defaultPrevented || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
  event.preventDefault();
  window.htmx.ajax("GET", `/calendar/posts/${card.dataset.post}/`, { source: card, target: "#drawer-body", swap: "innerHTML" });
});
document.addEventListener("dblclick", (event) => {
  const place = event.target.closest?.("[data-roving] [data-place]");
  if (place && !event.target.closest("[data-post]")) place.querySelector(".day-add, .hour-add")?.click();
});
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
