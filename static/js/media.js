// The media library: uploads by button, drop and paste, each with its progress.
import { announce, toast } from "./toast.js";
import { enhanceDrop, uploadFile } from "./upload.js";

const page = document.getElementById("media-library");
const form = document.getElementById("media-upload");
const queue = document.getElementById("media-queue");

async function add(file) {
  const row = document.getElementById("media-queue-row").content.firstElementChild.cloneNode(true);
  const bar = row.querySelector("progress");
  row.querySelector("[data-file-name]").textContent = file.name;
  bar.setAttribute("aria-label", file.name);
  queue.append(row);
  try {
    const [asset] = await uploadFile(form.action, file, { onProgress: (share) => { bar.value = share * 100; }, failed: page.dataset.failed });
    row.remove();
    document.getElementById(`asset-${asset.id}`)?.remove();
    const grid = document.getElementById("media-cards");
    if (!grid) {
      window.location.reload();
      return;
    }
    grid.insertAdjacentHTML("afterbegin", asset.card);
    window.htmx.process(grid.firstElementChild);
    announce(page.dataset.added.replace("%(name)s", asset.name));
    if (asset.note) toast(asset.note);
  } catch (error) {
    row.remove();
    toast(error.message, { tone: "danger" });
  }
}

if (form) {
  const input = form.querySelector("input[type=file]");
  const addAll = async (files) => { for (const file of files) await add(file); };
  input.addEventListener("change", () => {
    addAll([...input.files]);
    input.value = "";
  });
  form.querySelector("[data-upload-button]").hidden = true; // choosing is enough
  enhanceDrop(page, { onFiles: addAll });
}
