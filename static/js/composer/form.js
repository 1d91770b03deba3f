// The composer's form, which is the one truth: every module reads and writes its fields.
export const form = document.getElementById("composer");
export const words = JSON.parse(document.getElementById("composer-words").textContent);

/** Something on the page changed: the server is asked what it thinks, and what was written is kept. */
export function changed() {
  form.dispatchEvent(new CustomEvent("composecheck"));
  form.dispatchEvent(new CustomEvent("composechange"));
}
