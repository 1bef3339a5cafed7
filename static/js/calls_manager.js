// What htmx cannot do: hear what has changed, run the clocks, open the dialog.
"use strict";

const SLOW_MS = 15000, DEAF_MS = 40000, AGAIN_MS = 10000;
const live = document.getElementById("live");
const dialog = document.getElementById("dialog");

// --- What has changed: server-sent events, or else asking --------------------------

let source = null, heard = 0, deafUntil = 0;

function redraw(part) {
  htmx.trigger(document.body, part);
}

function redrawAll() {
  redraw("board");
  redraw("leads");
}

function listen() {
  if (source || document.hidden || !live.dataset.events || Date.now() < deafUntil) return;
  source = new EventSource(live.dataset.events);
  heard = Date.now();
  for (const name of ["board", "leads", "beat"]) {
    source.addEventListener(name, () => {
      heard = Date.now();
      if (name !== "beat") redraw(name);
    });
  }
  // The browser tries again by itself, and says what it has seen; unless it was refused.
  source.addEventListener("error", () => {
    if (source?.readyState === EventSource.CLOSED) hangUp(AGAIN_MS);
  });
}

function hangUp(pause) {
  source?.close();
  source = null;
  deafUntil = Date.now() + pause;
}

function hears() {
  return source?.readyState === EventSource.OPEN && Date.now() - heard < DEAF_MS;
}

// While events flow this only renews what time alone changes; without them it asks.
function beat() {
  if (source && Date.now() - heard > DEAF_MS) hangUp(AGAIN_MS);
  listen();
  redrawAll();
  schedule();
}

let timer = 0;
function schedule() {
  const active = document.getElementById("panel")?.dataset.active === "yes";
  const pollMs = Number(active ? live.dataset.activeMs : live.dataset.idleMs);
  clearTimeout(timer);
  timer = setTimeout(beat, document.hidden || hears() ? SLOW_MS : pollMs);
}

// A tab that nobody sees holds no connection: a browser has six for all its tabs.
document.addEventListener("visibilitychange", () => {
  if (document.hidden) hangUp(0);
  else beat();
});

if (live) {
  listen();
  schedule();
  document.documentElement.dataset.live = "";
}

// --- Clocks --------------------------------------------------------------------------

function showAges() {
  for (const clock of document.querySelectorAll("[data-since]")) {
    const seconds = Math.max(0, Math.floor((Date.now() - Date.parse(clock.dataset.since)) / 1000));
    clock.textContent = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
  }
}

document.body.addEventListener("htmx:afterSettle", showAges);
showAges();
setInterval(showAges, 1000);

// --- News: what others did, and what the system did by itself -------------------------

const said = new Set([...document.querySelectorAll("[data-say]")].map((one) => one.id));

document.body.addEventListener("htmx:afterSettle", () => {
  const unseen = [...document.querySelectorAll("[data-say]")].filter((one) => !said.has(one.id));
  for (const one of unseen) said.add(one.id);
  // To whoever did it, it was said when it was done.
  const fresh = unseen.filter((one) => !one.dataset.by || one.dataset.by !== live?.dataset.me);
  const calls = fresh.filter((one) => one.id.startsWith("event-call-"));
  // Of many calls that end at once, the newest; the list has them all.
  for (const one of fresh.filter((each) => !calls.slice(1).includes(each))) {
    const text = one.querySelector(".event__text").textContent.trim().replace(/\s+/g, " ");
    const kind = one.dataset.say === "error" ? "error" : undefined;
    const key = calls.includes(one) ? "call" : undefined;
    document.body.dispatchEvent(new CustomEvent("toast", { detail: { text, kind, key } }));
  }
});

// --- A redraw asked for before a press was answered would show what was before ------------

let answered = 0;

document.body.addEventListener("htmx:beforeRequest", ({ detail }) => {
  detail.requestConfig.askedAt = performance.now();
});
document.body.addEventListener("htmx:beforeSwap", ({ detail }) => {
  if (detail.target.id !== "panel") return;
  if (detail.requestConfig.verb !== "get") answered = performance.now();
  else if (detail.requestConfig.askedAt < answered) detail.shouldSwap = false;
});

// --- START, PAUSE and STOP take each other's place: the focus stays there ---------------

let wasThere = false;

document.body.addEventListener("htmx:beforeRequest", (event) => {
  wasThere ||= event.target.closest("#switch")?.contains(document.activeElement) ?? false;
});
document.body.addEventListener("htmx:afterRequest", () => {
  if (wasThere) setTimeout(keepFocus);
  wasThere = false;
});

// So does the link that opened a dialog, once it has done its work.
dialog?.addEventListener("close", () => {
  if (dialog.querySelector("[hx-target='#panel']")) setTimeout(keepFocus);
});

function keepFocus() {
  if (document.activeElement === document.body) document.getElementById("switch")?.focus();
}

// --- Why a press was refused is read in peace: it stays until the next press, or until
// the campaign starts or stops ----------------------------------------------------------

let problemStays = false;

document.body.addEventListener("htmx:beforeSwap", ({ detail }) => {
  const panel = document.getElementById("panel");
  if (detail.target !== panel) return;
  const isSame = detail.serverResponse.includes(`data-active="${panel.dataset.active}"`);
  problemStays = isSame && detail.requestConfig.verb === "get";
});

// --- The dialog, and the chooser -------------------------------------------------------

document.body.addEventListener("htmx:afterSwap", (event) => {
  if (event.detail.target === dialog && !dialog.open) dialog.showModal();
});

dialog?.addEventListener("click", (event) => {
  if (event.target !== dialog && !event.target.closest("[data-close]")) return;
  event.preventDefault();
  dialog.close();
});

// What a button of the dialog did is seen on the page.
dialog?.addEventListener("htmx:afterRequest", (event) => {
  if (event.detail.successful && event.detail.requestConfig.verb === "post") dialog.close();
});

document.body.addEventListener("change", (event) => {
  if (event.target.dataset.submit !== undefined) event.target.form.submit();
});

// A field somebody writes in is not drawn over; what else has the focus is, with its
// children. A morph keeps all else in its place.
if (window.Idiomorph) {
  Object.defineProperty(Idiomorph.defaults, "ignoreActiveValue", {
    enumerable: true,
    get: () => document.activeElement.matches("input, select, textarea"),
  });
  Idiomorph.defaults.callbacks.beforeNodeRemoved = (node) => node.id !== "problem" || !problemStays;
}
