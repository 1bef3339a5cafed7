// The panel of a lead, which opens over the page.
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
  const drawer = byId("lead-drawer");
  if (drawer?.open) show(drawer);
}

document.addEventListener("close", (event) => {
  if (event.target.id === "lead-drawer") leave(event.target);
}, true);

document.body.addEventListener("click", (event) => {
  const drawer = event.target.closest("#lead-drawer");
  if (!drawer || !(event.target === drawer || event.target.closest("[data-close]"))) return;
  event.preventDefault();
  drawer.close();
});

// In a new tab the link of a name is a link.
document.addEventListener("click", (event) => {
  if ((event.ctrlKey || event.metaKey || event.shiftKey) && event.target.closest("a[hx-get]")) event.stopPropagation();
}, true);

document.body.addEventListener("htmx:afterSwap", (event) => {
  if (event.detail.target?.id === "lead-drawer") show(event.detail.target);
});
document.body.addEventListener("htmx:historyRestore", prepare);
prepare();
})();
