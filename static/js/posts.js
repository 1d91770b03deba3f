// The list of posts: the bar with bulk actions appears with the first tick, and filters say how many are on.
import { setUpFilters } from "./filters.js";

setUpFilters("post-filters");

function count() {
  const bar = document.querySelector("[data-bulk]");
  if (!bar) return;
  const ticked = document.querySelectorAll("#bulk-form input[name=posts]:checked");
  bar.hidden = ticked.length === 0;
  bar.querySelector("[data-bulk-count]").textContent = ticked.length;
  for (const row of document.querySelectorAll("#bulk-form tbody tr")) {
    row.classList.toggle("is-selected", row.querySelector("input[name=posts]")?.checked ?? false);
  }
}

document.addEventListener("change", (event) => {
  if (event.target.matches?.("#bulk-form input[type=checkbox]")) count();
});
count();
