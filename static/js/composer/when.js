// The time: shown in our own format, with the browser's calendar to choose a day from.
import { form } from "./form.js";

const dateField = form.querySelector("[name=date]");
const picker = form.querySelector("[data-date-picker]");

export function showWhen() {
  const fields = form.querySelector("[data-when-fields]");
  if (fields) fields.hidden = form.querySelector("[name=when]:checked")?.value !== "at";
}

/** The parts of a moment as the server writes them: in the page's language, in a zone. */
function partsOf(moment, timeZone) {
  const format = new Intl.DateTimeFormat(document.documentElement.lang, { day: "numeric", month: "short", year: "numeric", hour: "2-digit", minute: "2-digit", hourCycle: "h23", timeZone });
  return Object.fromEntries(format.formatToParts(moment).map(({ type, value }) => [type, value]));
}

/** ``14:01`` in the organization's zone; ``29 Nov, 14:01`` when that is not today. */
export function momentInWords(moment) {
  const [then, now] = [partsOf(moment, form.dataset.zone), partsOf(new Date(), form.dataset.zone)];
  const isToday = ["day", "month", "year"].every((part) => then[part] === now[part]);
  return isToday ? `${then.hour}:${then.minute}` : `${then.day} ${then.month}, ${then.hour}:${then.minute}`;
}

form.querySelector("[data-date-open]")?.addEventListener("click", () => {
  picker.value = document.getElementById("when-words").dataset.at.slice(0, 10);
  picker.showPicker();
});
picker?.addEventListener("change", (event) => {
  event.stopPropagation();
  if (!picker.value) return;
  const { day, month, year } = partsOf(new Date(`${picker.value}T12:00Z`), "UTC");
  dateField.value = `${day} ${month} ${year}`;
  dateField.dispatchEvent(new Event("change", { bubbles: true }));
});
picker?.addEventListener("input", (event) => event.stopPropagation());
