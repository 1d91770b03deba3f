// What changed on the server appears without a reload.
import { isDragging } from "./calendar-drag.js";
import { isLifted } from "./calendar-keys.js";
import { headers, take } from "./calendar-moves.js";
import { calendar } from "./calendar-page.js";
import { wasSwitched } from "./organization.js";

const POLL_MS = 5000;
const POLL_SLOWEST_MS = 60000;

let wait = POLL_MS;
let timer = 0;

function busy() {
  return isDragging() || isLifted() || document.hidden || document.querySelector(".is-saving, #calendar-filters details[open]");
}

export async function poll() {
  clearTimeout(timer);
  if (!busy()) await refresh();
  timer = setTimeout(poll, wait);
}

export async function refresh() {
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

timer = setTimeout(poll, POLL_MS);
document.addEventListener("visibilitychange", () => { if (!document.hidden) poll(); });
document.body.addEventListener("calendar:refresh", () => refresh());
