// The composer: how its parts work together. What the server thinks while a person types comes back in parts by htmx.
import { changed, form } from "./composer/form.js";
import { conflictBox, forgetWhatWasSaved, keeper, offerRecovery } from "./composer/keeper.js";
import { mustWait, switchOwnMedia } from "./composer/pictures.js";
import { openTab, panels, shared, showTab } from "./composer/variants.js";
import { showWhen } from "./composer/when.js";

for (const element of document.querySelectorAll("[data-needs-script]")) element.hidden = false;
for (const input of form.querySelectorAll("input[type=file]")) input.removeAttribute("name"); // uploads go on their own

// An account that is taken out closes its tab; the chips say so before the server does.
form.addEventListener("change", (event) => {
  if (event.target.name === "connections" && !event.target.checked && openTab() === event.target.value) showTab("");
  if (event.target.name === "connections" && event.target.checked) showPreviewOf(event.target.value);
  if (event.target.name === "own_media") switchOwnMedia(event.target);
  if (["date", "time"].includes(event.target.name)) {
    const at = form.querySelector("[name=when][value=at]");
    if (at) at.checked = true;
  }
  showWhen();
  changed();
});

function showPreviewOf(id) {
  form.elements.preview.value = id;
}

// Sending waits for a save of this page and for uploads. Before all other listeners: they take it for sent.
form.addEventListener("submit", (event) => {
  if (!keeper.mustFinish(event.submitter) && !mustWait()) return;
  event.preventDefault();
  event.stopImmediatePropagation();
}, true);

// ---- Emoji and hashtags ----------------------------------------------------------------------------------------------

let lastText = shared;
form.addEventListener("focusin", (event) => {
  if (event.target.matches("[data-text]")) lastText = event.target;
});

function textInUse() {
  if (lastText.offsetParent !== null) return lastText;
  return panels().find((panel) => !panel.hidden)?.querySelector("textarea") ?? shared;
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-insert]");
  if (!button) return;
  const box = textInUse();
  box.setRangeText(button.dataset.insert, box.selectionStart, box.selectionEnd, "end");
  box.dispatchEvent(new Event("input", { bubbles: true }));
  if (!button.closest("[data-emoji]")) box.focus();
});

// ---- Keys, and answers that are not for us -----------------------------------------------------------------------------

document.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && !document.querySelector("dialog[open]")) {
    event.preventDefault();
    form.requestSubmit(document.getElementById("composer-submit"));
  }
});

// Signed out: the check is answered by the sign-in page, which must not be put into this one.
document.body.addEventListener("htmx:beforeSwap", (event) => {
  if (event.detail.elt.id !== "composer-checker") return;
  if (!new URL(event.detail.xhr.responseURL, location.href).pathname.startsWith("/posts/")) event.detail.shouldSwap = false;
});
// A check that fails must not interrupt writing with a message each time; saving tells.
for (const kind of ["htmx:sendError", "htmx:timeout", "htmx:responseError"]) {
  document.addEventListener(kind, (event) => { if (event.detail.elt?.id === "composer-checker") event.stopImmediatePropagation(); }, true);
}

forgetWhatWasSaved();
showTab(openTab());
showWhen();
offerRecovery();
[document.getElementById("composer-refusal"), conflictBox].find((box) => box.childElementCount)?.focus();
