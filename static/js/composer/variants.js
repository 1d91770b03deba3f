// One text for all accounts, with a tab for each: typing in an account's tab gives it a text of its own.
import { changed, form } from "./form.js";

export const shared = document.getElementById("text-all");
export const panels = () => [...form.querySelectorAll("[data-variant]")];
export const openTab = () => form.elements.tab.value;

export function showTab(id, { focus = false } = {}) {
  form.elements.tab.value = id;
  for (const panel of panels()) panel.hidden = panel.dataset.variant !== id;
  for (const tab of form.querySelectorAll("[data-tab]")) {
    const open = tab.dataset.tab === id;
    tab.setAttribute("aria-selected", String(open));
    tab.tabIndex = open ? 0 : -1;
    if (open && focus) tab.focus();
  }
  let own = false;
  for (const box of form.querySelectorAll("[data-own-media]")) {
    const mine = box.dataset.ownMedia === id;
    box.hidden = !mine;
    if (mine) own = box.querySelector("[name=own_media]").checked;
  }
  document.getElementById("shared-tray").hidden = own;
  if (id && form.querySelector(`[data-preview-tab="${id}"]`)) showPreview(id);
}

export function markOwn(panel, own) {
  panel.querySelector("[data-own-text]").checked = own;
  panel.querySelector("[data-note-own]").hidden = !own;
  panel.querySelector("[data-note-shared]").hidden = own;
  panel.querySelector("[data-reset-text]").hidden = !own;
}

export function followShared() {
  for (const panel of panels()) {
    const box = panel.querySelector("[data-own-text]");
    if (box && !box.checked) panel.querySelector("textarea").value = shared.value;
  }
}

form.addEventListener("input", (event) => {
  if (event.target === shared) followShared();
  const panel = event.target.closest("[data-variant]");
  if (panel?.dataset.variant && event.target.matches("textarea")) markOwn(panel, event.target.value !== shared.value);
  changed();
});

form.addEventListener("click", (event) => {
  const tab = event.target.closest("[data-tab]");
  if (tab) {
    showTab(tab.dataset.tab);
    changed();
  }
  const preview = event.target.closest("[data-preview-tab]");
  if (preview) showPreview(preview.dataset.previewTab);
  const reset = event.target.closest("[data-reset-text]");
  if (reset) {
    const panel = reset.closest("[data-variant]");
    const box = panel.querySelector("textarea");
    box.value = shared.value;
    markOwn(panel, false);
    box.focus();
    changed();
  }
});

form.addEventListener("keydown", (event) => {
  const list = event.target.closest("[role=tablist]");
  if (!list || !["ArrowLeft", "ArrowRight", "Home", "End"].includes(event.key)) return;
  const tabs = [...list.querySelectorAll("[role=tab]")];
  const at = tabs.indexOf(event.target);
  const step = { ArrowLeft: at - 1, ArrowRight: at + 1, Home: 0, End: tabs.length - 1 }[event.key];
  const next = tabs[(step + tabs.length) % tabs.length];
  event.preventDefault();
  next.focus();
  next.click();
});

function showPreview(id) {
  form.elements.preview.value = id;
  for (const tab of form.querySelectorAll("[data-preview-tab]")) tab.setAttribute("aria-selected", String(tab.dataset.previewTab === id));
  for (const panel of form.querySelectorAll("[data-preview-panel]")) panel.hidden = panel.dataset.previewPanel !== id;
}
