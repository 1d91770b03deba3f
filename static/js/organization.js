// A page that was made for one organization while its person switched to another in another tab. The server refuses it
// (accounts/switching.py); here the person hears why, and can switch back without losing what was typed.
import { openDialog, closeDialog } from "./dialog.js";
import { pageHeaders, words } from "./page.js";
import { toast } from "./toast.js";

const HEADER = "X-Organization-Switched";
const named = (sentence, name) => sentence.replace("%s", () => name);

let wasTold = false;

/**
 * Whether an answer is that refusal; says so to the person. `header` reads a header of the answer by its name. With
 * `once` it is not said again to who has closed the dialog: for what the page asks by itself.
 */
export function saysSwitched(header, { once = false } = {}) {
  const told = header(HEADER);
  if (!told) return false;
  if (!once || !wasTold) show(JSON.parse(decodeURIComponent(told)));
  return true;
}

/** The same for the answer of a fetch. */
export const wasSwitched = (answer, options) => saysSwitched((name) => answer.headers.get(name), options);

function show({ now, before, id }) {
  const dialog = document.getElementById("switched-dialog");
  if (!dialog || dialog.open) return;
  const back = dialog.querySelector("[data-switched-back]");
  dialog.querySelector("[data-switched-title]").textContent = named(dialog.dataset.title, now);
  dialog.querySelector("[data-switched-on]").textContent = named(dialog.dataset.goOn, now);
  back.textContent = named(dialog.dataset.back, before);
  back.hidden = !id;
  back.onclick = async () => {
    back.setAttribute("aria-busy", "true");
    try {
      const answer = await fetch(dialog.dataset.switch, {
        method: "POST", body: new URLSearchParams({ organization: id, next: "/healthz" }), credentials: "same-origin", headers: pageHeaders(),
      });
      if (!answer.ok) throw new Error(String(answer.status));
      closeDialog(dialog);
      wasTold = false;
      toast(named(dialog.dataset.isBack, before), { tone: "ok" });
      document.dispatchEvent(new CustomEvent("organization-back"));
    } catch {
      toast(words("offline"), { tone: "danger" });
    } finally {
      back.removeAttribute("aria-busy");
    }
  };
  wasTold = true;
  openDialog(dialog);
}

export function setUpOrganization() {
  document.body.addEventListener("htmx:afterRequest", (event) => {
    const { xhr } = event.detail;
    if (xhr?.status === 409) saysSwitched((name) => xhr.getResponseHeader(name));
  });
}
