// The focus on the calendar: one tab stop for all days, arrow keys inside.
import { isNarrow, isShown, view } from "./calendar-page.js";

export const STOPS = "[data-roving] [data-place], [data-roving] .post-card, [data-roving] .day-more";

/** The days or hours that can be walked to, in order; not those that are folded away. */
export const places = () => [...document.querySelectorAll("[data-roving] [data-place]")].filter(isShown);
const stops = (place) => [place, ...place.querySelectorAll(".post-card, .day-more")];

export function focusOn(element) {
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
export function rove() {
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

export function columns() {
  if (view() === "month") return isNarrow() ? 1 : 7;
  return view() === "week" ? 7 : 1;
}

export function neighbour(place, key) {
  const all = places();
  const step = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -columns(), ArrowDown: columns() }[key];
  return all[all.indexOf(place) + step] ?? null;
}

/** Walk: up and down through the cards of a day and on to the day below, left and right from day to day. */
export function walk(element, key) {
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

/** Walking off the edge unfolds the weeks before, or turns the page, and goes on with the day that comes next. */
function turn(place, key) {
  const back = key === "ArrowLeft" || key === "ArrowUp";
  const day = new Date(`${place.dataset.date}T12:00:00Z`);
  day.setUTCDate(day.getUTCDate() + { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -7, ArrowDown: 7 }[key]);
  const wanted = day.toISOString().slice(0, 10);
  const hour = place.dataset.hour;
  const folded = document.getElementById(`day-${wanted}`)?.closest("details:not([open])");
  if (folded) {
    folded.open = true;
    focusOn(document.getElementById(`day-${wanted}`));
    return;
  }
  document.body.addEventListener("htmx:afterSettle", () => {
    const found = hour === undefined || view() === "day" ? `day-${wanted}` : `hour-${wanted}-${hour.padStart(2, "0")}`;
    focusOn(document.getElementById(found) ?? places()[0]);
  }, { once: true });
  document.querySelector(back ? "[data-page=previous]" : "[data-page=next]").click();
}

document.addEventListener("focusin", (event) => {
  const stop = event.target.closest?.(STOPS);
  if (stop && stop === event.target && stop.tabIndex !== 0) focusOn(stop);
});
