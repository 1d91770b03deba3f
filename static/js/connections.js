// The page on which accounts are chosen: says how many are ticked, and keeps the button for at least one.
const form = document.querySelector("[data-choose]");

function show() {
  const chosen = form.querySelectorAll("input[name=accounts]:checked").length;
  const count = form.querySelector("[data-choose-count]");
  count.textContent = count.dataset.chooseCount.replace("%s", String(chosen));
  form.querySelector("button[type=submit]").disabled = chosen === 0;
}

if (form) {
  form.addEventListener("change", show);
  show();
}
