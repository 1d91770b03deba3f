// Alternative texts: written in a dialog beside the image, one image after the other.
import { closeDialog, openDialog } from "../dialog.js";
import { changed, form, words } from "./form.js";

const dialog = document.getElementById("alt-dialog");
const box = document.getElementById("alt-dialog-text");
const picture = dialog.querySelector("[data-alt-picture]");
const number = new Intl.NumberFormat(document.documentElement.lang);
let current = null;

const field = (tile) => tile.querySelector("[data-tile-alt]");
const neighbours = () => [...current.closest("[data-tray]").querySelectorAll("[data-tile][data-asset]")];

/** Say on a tile what its image has as alternative text, or that it has none. */
export function showAlt(tile) {
  const text = field(tile).value.trim();
  const button = tile.querySelector("[data-alt-open]");
  button.hidden = false;
  button.dataset.missing = text ? "no" : "yes";
  button.querySelector("[data-alt-shown]").textContent = text || words.alt_missing;
}

function keep() {
  const before = field(current).value;
  field(current).value = box.value.trim();
  if (before === field(current).value) return;
  showAlt(current);
  changed();
}

function count() {
  dialog.querySelector("[data-alt-count]").textContent = `${number.format([...box.value].length)} / ${number.format(box.maxLength)}`;
}

function show(tile) {
  current = tile;
  const small = tile.querySelector("img");
  picture.src = small.dataset.full ?? small.src;
  box.value = field(tile).value;
  count();
  const tiles = neighbours();
  const at = tiles.indexOf(tile);
  dialog.querySelector("[data-alt-place]").textContent = tiles.length > 1 ? words.place.replace("%(n)s", at + 1).replace("%(all)s", tiles.length) : "";
  dialog.querySelector("[data-alt-steps]").hidden = tiles.length < 2;
  for (const step of dialog.querySelectorAll("[data-alt-step]")) step.disabled = !tiles[at + Number(step.dataset.altStep)];
}

form.addEventListener("click", (event) => {
  const button = event.target.closest("[data-alt-open]");
  if (!button) return;
  show(button.closest("[data-tile]"));
  openDialog(dialog);
  box.focus();
});

dialog.addEventListener("click", (event) => {
  const step = event.target.closest("[data-alt-step]");
  if (!step) return;
  keep();
  const tiles = neighbours();
  show(tiles[tiles.indexOf(current) + Number(step.dataset.altStep)]);
  box.focus();
});

box.addEventListener("input", count);
dialog.querySelector("[data-alt-form]").addEventListener("submit", keep);
box.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey)) return;
  event.preventDefault();
  keep();
  closeDialog(dialog);
});
dialog.addEventListener("close", () => {
  picture.removeAttribute("src");
  current?.querySelector("[data-alt-open]").focus();
});
