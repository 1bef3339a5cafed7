// The leads: their ticks, which live in the page alone, and the menus of the filter.
(() => {
"use strict";

const byId = (id) => document.getElementById(id);
const boxes = () => [...document.querySelectorAll("#lead-list [name=id]")];
const stateOf = (box) => box.closest("tr").dataset.state;

// --- Rows are redrawn in place: what a person did to them stays ---

const CHANGED = [{ backgroundColor: "color-mix(in srgb, var(--brand) 28%, transparent)" }, { backgroundColor: "transparent" }];
const still = matchMedia("(prefers-reduced-motion: reduce)");
const changed = new Set();

Object.assign(Idiomorph.defaults.callbacks, {
  beforeNodeMorphed(old, fresh) {
    if (old.dataset?.state && old.dataset.state !== fresh.dataset?.state && old.id === fresh.id) changed.add(old.id);
    // A clock goes on; and a menu in which somebody types or chooses is left alone.
    if (old.dataset?.since && old.dataset.since === fresh.dataset?.since) return false;
    return !(old.matches?.(".chip__menu") && old.contains(document.activeElement));
  },
  afterNodeMorphed(node) {
    if (changed.delete(node.id) && !still.matches) node.animate(CHANGED, 1800);
  },
  beforeAttributeUpdated(name, node) {
    if (name === "open") return !node.matches("details, dialog");
    return name !== "checked" || !node.matches("[form=rows], #tick-all");
  },
});

// --- Who is chosen: the ticked ones, or `whole`: all of the filter, or of one state of it ---

let whole = null, last = null, filter = null;

function draw() {
  const list = byId("lead-list");
  if (!list) return;
  if (filter !== null && filter !== list.dataset.filter) chooseNobody();
  filter = list.dataset.filter;
  if (whole) for (const box of boxes()) box.checked = !whole.only || stateOf(box) === whole.only;
  const all = boxes(), ticked = all.filter((box) => box.checked).length;
  for (const shown of list.querySelectorAll("[data-count]")) shown.textContent = ticked;
  const head = byId("tick-all");
  if (head) {
    head.checked = ticked > 0 && ticked === all.length;
    head.indeterminate = ticked > 0 && ticked < all.length;
  }
  if (!byId("scope-all")) return;
  byId(whole ? "scope-all" : "scope-ticked").checked = true;
  byId("only").value = whole?.only ?? "";
  list.querySelector("[data-only-words]").textContent = whole?.only ? ` · ${whole.words}` : "";
}

function chooseNobody() {
  whole = null;
  for (const box of boxes()) box.checked = false;
}

function tick(box, withShift) {
  const all = boxes(), from = all.indexOf(last), to = all.indexOf(box);
  if (withShift && from >= 0) {
    for (const one of all.slice(Math.min(from, to), Math.max(from, to) + 1)) one.checked = box.checked;
  }
  last = box;
  whole = null;
}

function choose(button) {
  const { choose: who, only, words, tickState } = button.dataset;
  if (who === "nobody") chooseNobody();
  if (who === "all") whole = { only, words };
  if (tickState) {
    whole = null;
    for (const box of boxes()) if (stateOf(box) === tickState) box.checked = true;
  }
}

document.body.addEventListener("click", (event) => {
  const at = event.target;
  if (at.matches("#lead-list [name=id]")) tick(at, event.shiftKey);
  if (at.name === "scope") whole = at.value === "all" ? {} : null;
  if (at.id === "tick-all") {
    whole = null;
    for (const box of boxes()) box.checked = at.checked;
  }
  const button = at.closest("[data-choose], [data-tick-state]");
  if (button) choose(button);
  for (const menu of document.querySelectorAll(".menu[open], .chip__more[open]")) {
    if (!menu.contains(at) || at.closest(".menu__items button")) menu.open = false;
  }
  draw();
  if (button && !button.checkVisibility()) byId(whole ? "scope-all" : "tick-all").focus();
});

document.body.addEventListener("keydown", (event) => {
  const open = event.key === "Escape" && event.target.closest?.(".menu[open], .chip__more[open]");
  if (!open) return;
  open.open = false;
  open.querySelector("summary").focus();
});

// What was done is ticked no more, and the focus does not go with the bar.
document.body.addEventListener("acted", () => {
  chooseNobody();
  draw();
  setTimeout(() => {
    const at = document.activeElement;
    if (at === document.body || at.closest("#selbar")) byId("tick-all")?.focus();
  });
});

// --- Words of a filter: what is ticked or entered stays, and the box is free again ---

function addWord(input, label) {
  input.value = "";
  input.before(label);
  input.closest(".words").querySelector(".words__suggested").replaceChildren();
  input.focus();
}

document.body.addEventListener("change", (event) => {
  const label = event.target.closest?.(".words__suggested .option");
  if (label) addWord(label.closest(".words").querySelector("[data-word]"), label);
}, true);

document.body.addEventListener("keydown", (event) => {
  const input = event.target;
  if (event.key !== "Enter" || !input.matches?.("[data-word]") || !input.value.trim()) return;
  event.preventDefault();
  const label = document.createElement("label"), box = document.createElement("input");
  label.className = "option";
  Object.assign(box, { type: "checkbox", className: "pick", name: input.name, value: input.value.trim(), checked: true });
  label.append(box, ` ${box.value}`);
  addWord(input, label);
  box.dispatchEvent(new Event("change", { bubbles: true }));
});

// --- While leads are on their way, what changed since is asked for afterwards ---

let onTheWay = 0, missed = false;

function arrived() {
  onTheWay -= 1;
  if (!missed || onTheWay) return;
  missed = false;
  setTimeout(() => htmx.trigger(document.body, "leads"));
}

document.addEventListener("leads", () => { missed ||= onTheWay > 0; }, true);
document.body.addEventListener("htmx:beforeSend", ({ detail: { target, xhr } }) => {
  if (!target?.closest?.("#leads")) return;
  onTheWay += 1;
  // Not htmx's own event: an answer for the dialog, or a link that is gone, changes it.
  xhr.addEventListener("loadend", arrived, { once: true });
});

// --- The list belongs to its filter: htmx keeps the address of before for a moment after a morph ---

document.body.addEventListener("htmx:configRequest", ({ target, detail }) => {
  if (target.id === "lead-list") detail.path = target.getAttribute("hx-get");
});
document.body.addEventListener("htmx:beforeSwap", ({ detail }) => {
  const { target, requestConfig } = detail;
  if (requestConfig.elt.id === "lead-list" && requestConfig.path !== target.getAttribute("hx-get")) detail.shouldSwap = false;
});

document.body.addEventListener("htmx:afterSwap", draw);
document.body.addEventListener("htmx:historyRestore", () => { whole = null; filter = null; draw(); });
draw();
})();
