// The media library: uploads by button, drop and paste, each with its progress; the cards follow what happens to them.
import { announce, toast } from "./toast.js";
import { enhanceDrop, uploadFile } from "./upload.js";

const page = document.getElementById("media-library");
const form = document.getElementById("media-upload");
const queue = document.getElementById("media-queue");

const showCards = () => window.htmx.ajax("GET", window.location.href, { target: "#media-grid" });

async function add(file) {
  const row = document.getElementById("media-queue-row").content.firstElementChild.cloneNode(true);
  const bar = row.querySelector("progress");
  row.querySelector("[data-file-name]").textContent = file.name;
  bar.setAttribute("aria-label", file.name);
  queue.append(row);
  try {
    const [asset] = await uploadFile(form.action, file, { onProgress: (share) => { bar.value = share * 100; }, failed: page.dataset.failed });
    announce(page.dataset.added.replace("%(name)s", asset.name));
    if (asset.note) toast(asset.note);
  } catch (error) {
    toast(error.message, { tone: "danger" });
  }
  row.remove();
}

document.body.addEventListener("mediaRemoved", showCards);

if (form) {
  const input = form.querySelector("input[type=file]");
  const addAll = async (files) => {
    for (const file of files) await add(file);
    showCards();
  };
  input.addEventListener("change", () => {
    addAll([...input.files]);
    input.value = "";
  });
  form.querySelector("[data-upload-button]").hidden = true; // choosing is enough
  enhanceDrop(page, { onFiles: addAll });
}
