// Moving a card: what a drop means, and what the server says to it.
//
// Every move asks the server, which answers with the days that it touched; until then the card stands where it was
// dropped, and goes back when the answer does not come.
import { focusOn } from "./calendar-focus.js";
import { postsOf, words } from "./calendar-page.js";
import { wasSwitched } from "./organization.js";
import { pageHeaders, words as pageWords } from "./page.js";
import { toast } from "./toast.js";

/** Put an answer's out-of-band parts into the page, keep the focus, and raise the events that it asks for. */
export function take(answer, markup) {
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

export function headers() {
  return { ...pageHeaders(), "HX-Request": "true", "HX-Current-URL": window.location.href };
}

/** Move the posts of a card, all or none. Resolves to true when they were moved, false when they stay where they were. */
async function send([postId, ...others], fields) {
  const body = new URLSearchParams(fields);
  for (const other of others) body.append("with", other);
  let answer;
  try {
    answer = await fetch(`/calendar/posts/${postId}/drop/`, {
      method: "POST", body, headers: headers(), credentials: "same-origin",
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
export function wordsFor(card, place) {
  if (place.hasAttribute("data-tray")) return words("tray");
  const own = card.dataset.time;
  let clock = own ?? place.dataset.default ?? "";
  if (place.dataset.hour !== undefined) {
    clock = `${place.dataset.hour.padStart(2, "0")}:${own ? own.slice(3) : "00"}`;
  }
  const spoken = clock ? `${place.dataset.name}, ${clock}` : place.dataset.name;
  return place.hasAttribute("data-past") ? words("past", { place: spoken }) : spoken;
}

/** Put a card into a place on the page alone; returns what puts it back. */
export function put(card, place) {
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

export async function move(card, place, putBack) {
  const moved = await send(postsOf(card), fieldsOf(place));
  if (moved === null) putBack();
  // A tray card that became a card of a day was replaced there: drop the one that stood in for it.
  if (card.isConnected && card.classList.contains("is-saving") && document.querySelectorAll(`[id="${card.id}"]`).length > 1) card.remove();
  return moved;
}
