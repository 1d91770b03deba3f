// Uploading with progress, and dropping or pasting files onto a page.
import { saysSwitched } from "./organization.js";
import { pageHeaders } from "./page.js";

/**
 * Send one file. Resolves to the assets that the server made of it; rejects with an Error whose message is a sentence.
 * @param {(share: number) => void} onProgress from 0 to 1
 */
export function uploadFile(url, file, { onProgress, failed }) {
  return new Promise((resolve, reject) => {
    const body = new FormData();
    body.append("files", file, file.name || "pasted.png");
    const request = new XMLHttpRequest();
    request.open("POST", url);
    for (const [name, value] of Object.entries(pageHeaders())) request.setRequestHeader(name, value);
    request.setRequestHeader("X-Requested-With", "fetch");
    request.responseType = "json";
    request.upload.addEventListener("progress", (event) => { if (event.lengthComputable) onProgress?.(event.loaded / event.total); });
    request.addEventListener("load", () => {
      const { assets = [], problems = [] } = request.response ?? {};
      if (request.status === 200 && assets.length) resolve(assets);
      else {
        saysSwitched((name) => request.getResponseHeader(name));
        reject(new Error(problems[0] ?? failed));
      }
    });
    for (const kind of ["error", "abort", "timeout"]) request.addEventListener(kind, () => reject(new Error(failed)));
    request.send(body);
  });
}

const filesOf = (transfer) => [...(transfer?.files ?? [])];
const carriesFiles = (event) => [...(event.dataTransfer?.types ?? [])].includes("Files");

/** Take files that are dropped on `root` or pasted on the page; `zones` are marked while files hover. */
export function enhanceDrop(root, { zones = [root], onFiles }) {
  let depth = 0;
  const mark = (on) => { for (const zone of zones) zone.classList.toggle("is-dropping", on); };
  root.addEventListener("dragenter", (event) => {
    if (!carriesFiles(event)) return;
    depth += 1;
    mark(true);
  });
  root.addEventListener("dragleave", (event) => {
    if (!carriesFiles(event)) return;
    depth = Math.max(0, depth - 1);
    if (depth === 0) mark(false);
  });
  root.addEventListener("dragover", (event) => { if (carriesFiles(event)) event.preventDefault(); });
  root.addEventListener("drop", (event) => {
    if (!carriesFiles(event)) return;
    event.preventDefault();
    depth = 0;
    mark(false);
    onFiles(filesOf(event.dataTransfer));
  });
  document.addEventListener("paste", (event) => {
    const files = filesOf(event.clipboardData);
    // Text that was copied from an office program brings a picture of itself along: then the text is meant.
    if (!files.length || event.clipboardData.getData("text/plain")) return;
    event.preventDefault();
    onFiles(files);
  });
}
