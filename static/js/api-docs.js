// The two readers of the OpenAPI document are other people's programs: what they leave to their page is done here.
const dark = matchMedia("(prefers-color-scheme: dark)");
const isDark = () => (document.documentElement.dataset.theme ?? (dark.matches ? "dark" : "light")) === "dark";

// Swagger UI has a dark look behind a class; Redoc takes colours before it starts.
const REDOC = {
  schema: { typeNameColor: "#635f57", typeTitleColor: "#635f57" },
  colors: {
    responses: {
      success: { color: "#256b42", backgroundColor: "#e2f1e7" },
      error: { color: "#b3372f", backgroundColor: "#fbe9e7" },
    },
  },
  typography: { fontFamily: "Inter, system-ui, sans-serif", headings: { fontFamily: "Inter, system-ui, sans-serif" } },
};
const REDOC_DARK = {
  ...REDOC,
  colors: {
    primary: { main: "#7fc4ad" },
    text: { primary: "#efece6", secondary: "#a8a296" },
    success: { main: "#7cc795" },
    error: { main: "#f28b82" },
    warning: { main: "#e6b450" },
    gray: { 50: "#1f1e1b", 100: "#272522" },
    border: { light: "#33312c", dark: "#79746a" },
    responses: {
      success: { color: "#7cc795", backgroundColor: "#1e3225" },
      error: { color: "#f28b82", backgroundColor: "#3d201d" },
      redirect: { color: "#e6b450", backgroundColor: "#352a14" },
      info: { color: "#8fbce6", backgroundColor: "#1d2b38" },
    },
  },
  schema: { nestedBackground: "#1f1e1b", linesColor: "#79746a", typeNameColor: "#a8a296", typeTitleColor: "#a8a296", requireLabelColor: "#f28b82", arrow: { color: "#a8a296" } },
  sidebar: { backgroundColor: "#191815", textColor: "#efece6", arrow: { color: "#a8a296" } },
  rightPanel: { backgroundColor: "#10100e" },
  codeBlock: { backgroundColor: "#1f1e1b" },
};

const redoc = document.querySelector("redoc");
if (redoc) redoc.setAttribute("theme", JSON.stringify(isDark() ? REDOC_DARK : REDOC));
document.documentElement.classList.toggle("dark-mode", isDark());
dark.addEventListener("change", () => {
  if (redoc) location.reload();
  else document.documentElement.classList.toggle("dark-mode", isDark());
});

/** Give headings the level at which they stand, boxes that scroll and fields a name, and what stands outside of the main landmark one of its own. */
function mend(root) {
  const levels = redoc ? { H5: 3 } : { H3: 2, H4: 3, H5: 4 };
  for (const heading of root.querySelectorAll(Object.keys(levels).join(","))) {
    if (!heading.hasAttribute("aria-level")) heading.setAttribute("aria-level", levels[heading.tagName]);
  }
  for (const box of root.querySelectorAll('div[tabindex="0"]:not([role]), pre.microlight:not([role])')) {
    box.tabIndex = 0;
    box.setAttribute("role", "region");
    box.setAttribute("aria-label", `${document.body.dataset.sample} ${(numbered += 1)}`);
  }
  // Swagger UI's own main landmark holds the operations alone.
  for (const part of root.querySelectorAll(":is(.information-container, .scheme-container):not([role])")) {
    part.setAttribute("role", "region");
    part.setAttribute("aria-label", `${document.title} ${(numbered += 1)}`);
  }
  for (const head of root.querySelectorAll("td.col_header:not([role])")) head.setAttribute("role", "columnheader");
  for (const field of root.querySelectorAll(":is(select, textarea):not([aria-label])")) {
    const name = field.closest("[data-param-name]")?.dataset.paramName ?? field.closest(".opblock-section")?.querySelector("h4")?.textContent;
    field.setAttribute("aria-label", name ?? document.body.dataset.sample);
  }
}
let numbered = 0;
const reader = document.querySelector("[data-reader]");
new MutationObserver(() => mend(reader)).observe(reader, { childList: true, subtree: true });
