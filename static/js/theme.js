// Theme: "system", "light" or "dark", remembered in this browser. A classic script in <head>, so that the choice is on
// <html> before the first paint; the switch itself ([data-theme-choice] radios) works by delegation, on any page.
(() => {
  const KEY = "parley-theme";
  const root = document.documentElement;

  const stored = () => {
    try {
      return localStorage.getItem(KEY);
    } catch {
      return null; // storage is blocked: the system's choice counts
    }
  };
  const apply = (choice) => {
    if (choice === "light" || choice === "dark") root.dataset.theme = choice;
    else delete root.dataset.theme;
  };
  const mark = () => {
    const choice = root.dataset.theme ?? "system";
    for (const radio of document.querySelectorAll("[data-theme-choice]")) {
      radio.checked = radio.value === choice;
    }
  };

  apply(stored());
  document.addEventListener("DOMContentLoaded", mark);
  document.addEventListener("change", (event) => {
    if (!event.target.matches("[data-theme-choice]")) return;
    apply(event.target.value);
    try {
      if (event.target.value === "system") localStorage.removeItem(KEY);
      else localStorage.setItem(KEY, event.target.value);
    } catch {
      // not remembered, but applied
    }
    mark();
  });
  window.addEventListener("storage", (event) => {
    if (event.key === KEY) {
      apply(event.newValue);
      mark();
    }
  });
})();
