// What opens over the page: the panel of a lead, and the question before all are changed.
(() => {
"use strict";

const byId = (id) => document.getElementById(id);

function show(dialog) {
  if (dialog.matches(":modal")) return;
  dialog.removeAttribute("open");
  dialog.showModal();
}

// The address names the lead that is open, and no other.
function leave(dialog) {
  const lead = dialog.querySelector("[data-lead]")?.dataset.lead, url = new URL(location);
  dialog.replaceChildren();
  if (!url.searchParams.has("lead")) return;
  url.searchParams.delete("lead");
  url.searchParams.delete("before");
  history.replaceState({ htmx: true }, "");
  history.pushState({ htmx: true }, "", url);
  if (document.activeElement === document.body) byId(`open-${lead}`)?.focus();
}

function prepare() {
  for (const dialog of document.querySelectorAll("dialog[open]")) show(dialog);
}

document.addEventListener("close", (event) => {
  if (event.target.id === "lead-drawer") leave(event.target);
}, true);

document.body.addEventListener("click", (event) => {
  const dialog = event.target.closest("dialog");
  const closes = event.target === dialog || event.target.closest("[data-close]");
  if (!dialog || !closes || !dialog.open) return;
  event.preventDefault();
  dialog.close();
});

// In a new tab the link of a name is a link.
document.addEventListener("click", (event) => {
  if ((event.ctrlKey || event.metaKey || event.shiftKey) && event.target.closest("a[hx-get]")) event.stopPropagation();
}, true);

document.body.addEventListener("htmx:afterSwap", (event) => {
  if (["lead-drawer", "lead-ask"].includes(event.detail.target.id)) show(event.detail.target);
});
document.body.addEventListener("acted", () => byId("lead-ask")?.close());
document.body.addEventListener("htmx:historyRestore", prepare);
prepare();
})();
