// A filter form whose fields are the address: each menu's chip shows how many choices are on, and "Clear" appears.

export function setUpFilters(id) {
  const form = document.getElementById(id);
  if (!form) return;
  const mark = () => {
    let any = false;
    for (const menu of form.querySelectorAll("details.menu")) {
      const on = menu.querySelectorAll("input:checked").length;
      menu.querySelector("[data-filter-summary]").classList.toggle("is-on", on > 0);
      menu.querySelector("[data-filter-count]").textContent = on ? ` ${on}` : "";
      any ||= on > 0;
    }
    any ||= form.querySelector(".chip > input:checked") !== null;
    any ||= [...document.querySelectorAll(`[form="${id}"][type=search]`)].some((field) => field.value.trim() !== "");
    form.querySelector("[data-filter-clear]")?.toggleAttribute("hidden", !any);
  };
  form.addEventListener("change", mark);
  document.addEventListener("input", (event) => { if (event.target.getAttribute?.("form") === id) mark(); });
  // An empty field is no filter: it stays out of the address.
  form.addEventListener("htmx:configRequest", (event) => {
    const sent = event.detail.formData;
    for (const [name, value] of [...sent.entries()]) if (value === "") sent.delete(name);
  });
}
