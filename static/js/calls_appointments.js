// What htmx cannot do on the calendar: open what opens over it, and walk it by arrows.
"use strict";
(() => {
  const drawer = () => document.getElementById("appointment-drawer");

  document.body.addEventListener("htmx:afterSwap", ({ detail: { target } }) => {
    if (target === drawer() && !target.open) target.showModal();
  });

  document.body.addEventListener("click", (event) => {
    const open = event.target.closest("#appointment-drawer");
    if (!open || !(event.target === open || event.target.closest("[data-close]"))) return;
    event.preventDefault();
    open.close();
  });

  // What it was opened from may have been drawn again meanwhile.
  document.addEventListener("close", (event) => {
    if (event.target !== drawer()) return;
    const from = event.target.querySelector("[data-from]")?.dataset.from;
    event.target.replaceChildren();
    const next = document.getElementById(from) ?? document.getElementById("appointments-title");
    if (!document.activeElement?.isConnected || document.activeElement === document.body) next?.focus();
  }, true);

  // In a new tab the link of an appointment is a link.
  document.addEventListener("click", (event) => {
    if ((event.ctrlKey || event.metaKey || event.shiftKey) && event.target.closest("a[hx-get]")) event.stopPropagation();
  }, true);

  // Up and down within a day, left and right to the days beside it.
  document.body.addEventListener("keydown", (event) => {
    const here = event.target.closest(".week .slot, .hours .slot");
    if (!here || event.ctrlKey || event.metaKey || event.altKey) return;
    const day = here.closest(".day, .hours");
    const rows = [...day.querySelectorAll(".slot")];
    const at = rows.indexOf(here);
    const days = [...document.querySelectorAll(".week .day")].filter((one) => one.querySelector(".slot"));
    const beside = (step) => [...(days[days.indexOf(day) + step]?.querySelectorAll(".slot") ?? [])];
    const near = (there) => there[Math.min(at, there.length - 1)];
    const next = {
      ArrowDown: () => rows[at + 1], ArrowUp: () => rows[at - 1], Home: () => rows[0], End: () => rows.at(-1),
      ArrowRight: () => near(beside(1)), ArrowLeft: () => days.indexOf(day) > 0 && near(beside(-1)),
    }[event.key]?.();
    if (!next) return;
    event.preventDefault();
    next.focus();
  });
})();
