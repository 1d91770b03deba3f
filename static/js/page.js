// What every module needs to know about the page: its words, its CSRF token, its icons, its addresses.

const settings = (() => {
  const element = document.getElementById("page-settings");
  return element ? JSON.parse(element.textContent) : { words: {}, urls: {}, icons: "" };
})();

/** A translated sentence by its key (templates/components/_page_settings.html). */
export const words = (key) => settings.words[key] ?? key;

/** The address of a page by its key, or undefined when this person has no such page. */
export const address = (key) => settings.urls[key];

/** What every scripted request carries: the CSRF token and the organization that the page was made for. */
export function pageHeaders() {
  const headers = document.body.getAttribute("hx-headers");
  return headers ? JSON.parse(headers) : {};
}

/** POST a form by fetch with the page's headers; `fields` is a plain object or FormData. */
export function postForm(url, fields = {}) {
  const body = fields instanceof FormData ? fields : new URLSearchParams(fields);
  return fetch(url, {
    method: "POST", body, credentials: "same-origin", headers: { ...pageHeaders(), "X-Requested-With": "fetch" },
  });
}

/** An icon of the sprite as an element. */
export function sprite(name, className = "icon") {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("class", className);
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
  use.setAttribute("href", `${settings.icons}#${name}`);
  svg.append(use);
  return svg;
}

/** True while the person types: single-key shortcuts must not fire. */
export function isTyping(target) {
  return target instanceof Element && target.closest("input, textarea, select, [contenteditable]") !== null
    && !target.matches("input[type=checkbox], input[type=radio], input[type=button], input[type=submit]");
}
