// Only for /styleguide/: fills the list of icons from the sprite itself and shows a toast.
import { sprite } from "./page.js";
import { toast } from "./toast.js";

const list = document.querySelector("[data-sg-icons]");
const { icons } = JSON.parse(document.getElementById("page-settings").textContent);
const drawing = new DOMParser().parseFromString(await (await fetch(icons)).text(), "image/svg+xml");
for (const { id } of drawing.querySelectorAll("symbol")) {
  const item = document.createElement("span");
  item.append(sprite(id), id);
  list.append(item);
}

document.querySelector("[data-sg-toast]").addEventListener("click", () => {
  toast("Moved to Thu 17 Dec, 09:00", { tone: "ok", undo: { run: () => toast("Put back") } });
});
