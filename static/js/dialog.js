// Dialogs and menus, by delegation:
//
//   <button data-dialog-open="move-dialog">          opens <dialog id="move-dialog">
//   <button data-dialog-close>                       closes the dialog around it
//   <dialog class="dialog" data-dialog-auto>         opens as soon as it is in the page (also when htmx brings it)
//   <dialog id="drawer" ...><div id="drawer-body">   hx-target="#drawer-body" fills it; it opens when content arrives
//   <details class="menu">                           closes on a click outside, on Escape, and when another opens
//   data-confirm="Revoke this connection?"           on a form or button: asks in our own dialog first
import { words } from "./page.js";

/** Open a dialog as modal; harmless when it is open already. */
export function openDialog(dialog) {
  if (dialog && !dialog.open) dialog.showModal();
}

export function closeDialog(dialog) {
  if (dialog?.open) dialog.close();
}

/** Ask before something that cannot be undone. Resolves to true or false. */
export function confirmDialog(question, { action, danger = true } = {}) {
  const dialog = document.getElementById("confirm-dialog");
  if (!dialog) return Promise.resolve(window.confirm(question));
  dialog.querySelector("[data-confirm-question]").textContent = question;
  const yes = dialog.querySelector("[data-confirm-yes]");
  yes.textContent = action ?? words("confirm");
  yes.classList.toggle("btn-danger", danger);
  yes.classList.toggle("btn-primary", !danger);
  dialog.returnValue = "";
  openDialog(dialog);
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => resolve(dialog.returnValue === "yes"), { once: true });
  });
}

function closeMenus(except) {
  for (const menu of document.querySelectorAll("details.menu[open], details.org-switch[open]")) {
    if (!except || !menu.contains(except)) menu.open = false;
  }
}

export function setUpDialogs() {
  document.addEventListener("click", (event) => {
    const target = event.target instanceof Element ? event.target : null;
    if (!target) return;
    const opener = target.closest("[data-dialog-open]");
    if (opener) openDialog(document.getElementById(opener.dataset.dialogOpen));
    if (target.closest("[data-dialog-close]")) closeDialog(target.closest("dialog"));
    if (target instanceof HTMLDialogElement && target.matches(".dialog")) closeDialog(target); // its backdrop
    const item = target.closest(".menu-item");
    if (item && !item.matches("[data-menu-stay]")) closeMenus();
    else closeMenus(target);
  });

  document.addEventListener("keydown", (event) => {
    const menu = document.activeElement?.closest("details.menu[open], details.org-switch[open]");
    if (event.key === "Escape") {
      if (menu) {
        menu.open = false;
        menu.querySelector("summary")?.focus();
        event.stopPropagation();
      } else closeMenus();
    }
    if (menu && (event.key === "ArrowDown" || event.key === "ArrowUp")) {
      const items = [...menu.querySelectorAll(".menu-item:not(:disabled)")];
      const step = event.key === "ArrowDown" ? 1 : -1;
      const next = (items.indexOf(document.activeElement) + step + items.length) % items.length;
      items[next]?.focus();
      event.preventDefault();
    }
  });

  // data-confirm on a form or on its submit button.
  document.addEventListener("submit", (event) => {
    const form = event.target;
    const asking = event.submitter?.dataset.confirm ? event.submitter : form;
    const question = asking.dataset.confirm;
    if (!question || form.dataset.confirmed === "yes") {
      delete form.dataset.confirmed;
      return;
    }
    event.preventDefault();
    event.stopImmediatePropagation();
    const { submitter } = event;
    confirmDialog(question, { action: asking.dataset.confirmAction, danger: asking.dataset.confirmTone !== "plain" }).then((yes) => {
      if (!yes) return;
      form.dataset.confirmed = "yes";
      form.requestSubmit(submitter);
    });
  }, true);

  // The same question for elements that ask by htmx: hx-confirm opens our dialog, not the browser's.
  document.body.addEventListener("htmx:confirm", (event) => {
    if (!event.detail.question) return;
    event.preventDefault();
    const { confirmAction, confirmTone } = event.detail.elt.dataset;
    confirmDialog(event.detail.question, { action: confirmAction, danger: confirmTone !== "plain" })
      .then((yes) => { if (yes) event.detail.issueRequest(true); });
  });

  document.body.addEventListener("htmx:afterSwap", (event) => {
    openAuto(event.detail.target);
    const dialog = event.detail.target.closest("dialog.dialog[data-dialog-fill]");
    if (dialog && event.detail.target.childElementCount > 0) openDialog(dialog);
  });
  // HX-Trigger: closeDialog closes whatever is open, e.g. after a form in a drawer was accepted.
  document.body.addEventListener("closeDialog", () => {
    for (const dialog of document.querySelectorAll("dialog.dialog[open]")) closeDialog(dialog);
  });
  openAuto(document);
}

function openAuto(root) {
  for (const dialog of root.querySelectorAll?.("dialog[data-dialog-auto]") ?? []) openDialog(dialog);
}
