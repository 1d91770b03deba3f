// Everything that is on every page. Pages add their own modules in {% block scripts %}.
import { setUpDialogs } from "./dialog.js";
import { setUpOrganization } from "./organization.js";
import { setUpShortcuts } from "./shortcuts.js";
import { fillTimeZones } from "./time-zone.js";
import { setUpToasts } from "./toast.js";

setUpToasts();
setUpDialogs();
setUpOrganization();
setUpShortcuts();
fillTimeZones();

document.addEventListener("click", (event) => {
  const target = event.target instanceof Element ? event.target : null;

  // <button data-copy="#field"> copies the value or text of another element.
  const copy = target?.closest("[data-copy]");
  if (copy) {
    const from = document.querySelector(copy.dataset.copy);
    navigator.clipboard?.writeText(from?.value ?? from?.textContent.trim() ?? "").then(() => {
      document.body.dispatchEvent(new CustomEvent("toast", { detail: { text: copy.dataset.copied, tone: "ok" } }));
    });
  }

  // <button data-fill='{"login": "…"}'> writes values into the named fields of the page's form.
  const fill = target?.closest("[data-fill]");
  if (fill) {
    for (const [name, value] of Object.entries(JSON.parse(fill.dataset.fill))) {
      const field = document.querySelector(`[name="${name}"]:not([type=hidden])`);
      if (field) {
        field.value = value;
        field.dispatchEvent(new Event("input", { bubbles: true }));
      }
    }
    document.querySelector(fill.dataset.fillFocus)?.focus();
  }

  // <button data-reveal="#id_password"> shows and hides a password.
  const reveal = target?.closest("[data-reveal]");
  if (reveal) {
    const field = document.querySelector(reveal.dataset.reveal);
    field.type = field.type === "password" ? "text" : "password";
    reveal.setAttribute("aria-pressed", String(field.type === "text"));
  }
});

document.addEventListener("change", (event) => {
  // <select data-submit> sends its form when it changes; <input data-check-all="name"> ticks all boxes of that name.
  if (event.target.matches("[data-submit]")) event.target.form?.requestSubmit();
  if (event.target.matches("[data-check-all]")) {
    for (const box of document.querySelectorAll(`input[type=checkbox][name="${event.target.dataset.checkAll}"]`)) {
      box.checked = event.target.checked;
      box.dispatchEvent(new Event("change", { bubbles: true }));
    }
  }
});

document.addEventListener("submit", (event) => {
  // A second click on a slow form must not send it twice.
  const button = event.submitter;
  if (!(button instanceof HTMLButtonElement) || event.defaultPrevented || event.target.matches("[hx-post], [hx-put], [hx-delete]")) return;
  setTimeout(() => { if (!event.defaultPrevented) button.setAttribute("aria-busy", "true"); }, 0);
});
window.addEventListener("pageshow", (event) => {
  // Back from the cache: buttons that were busy are free again.
  if (event.persisted) for (const button of document.querySelectorAll("[aria-busy=true]")) button.removeAttribute("aria-busy");
});
