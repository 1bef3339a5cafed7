/* The list of leads. Without it every form still works, with its buttons. */
(() => {
  "use strict";
  const ticks = () => [...document.querySelectorAll(".tick")];
  // Of the table's head, which a phone does not show, and of the bar.
  const tickAlls = () => [...document.querySelectorAll("#action-toggle, .tick-all")];
  let last = null;

  function count() {
    const shown = document.getElementById("ticked");
    if (!shown) return;
    const boxes = ticks(), ticked = boxes.filter((box) => box.checked).length;
    shown.textContent = `(${ticked})`;
    tickAlls().forEach((all) => {
      all.checked = ticked > 0 && ticked === boxes.length;
      all.indeterminate = ticked > 0 && ticked < boxes.length;
    });
    boxes.forEach((box) => box.closest("tr").classList.toggle("selected", box.checked));
  }

  function chooseTicked() {
    const scope = document.querySelector("[name=select_across][value='0']");
    if (scope) scope.checked = true;
  }

  document.addEventListener("click", (event) => {
    const box = event.target;
    if (tickAlls().includes(box)) {
      ticks().forEach((one) => { one.checked = box.checked; });
      chooseTicked();
    } else if (box.classList.contains("tick")) {
      const boxes = ticks(), from = boxes.indexOf(last), to = boxes.indexOf(box);
      if (event.shiftKey && from >= 0) {
        boxes.slice(Math.min(from, to), Math.max(from, to) + 1)
          .forEach((one) => { one.checked = box.checked; });
      }
      last = box;
      chooseTicked();
    } else {
      // A menu closes when one goes elsewhere.
      document.querySelectorAll("details.more[open], details.filter__choices[open]")
        .forEach((menu) => { if (!menu.contains(box)) menu.open = false; });
    }
    count();
  });

  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    document.querySelectorAll("details.more[open], details.filter__choices[open]")
      .forEach((menu) => { menu.open = false; });
  });

  // Values that begin as one types; never the whole list of them.
  let waiting = 0;
  document.addEventListener("input", (event) => {
    const input = event.target, url = input.dataset && input.dataset.suggest;
    if (!url) return;
    clearTimeout(waiting);
    waiting = setTimeout(async () => {
      const query = new URLSearchParams({ field: input.name, text: input.value });
      const answer = await fetch(`${url}?${query}`);
      if (!answer.ok) return;
      const { values } = await answer.json();
      document.getElementById(`suggest-${input.name}`).replaceChildren(
        ...values.map((value) => new Option(value, value)));
    }, 200);
  });

  // The address holds what filters, and nothing else.
  document.addEventListener("htmx:configRequest", (event) => {
    const given = event.detail.parameters;
    for (const name of Object.keys(given)) {
      if (given[name] === "" || given[name] == null) delete given[name];
    }
  });
  // What was chosen stays so when the same leads are drawn again under the hand.
  const everyone = () => document.querySelector("[name=select_across][value='1']");
  let kept = null;
  document.addEventListener("htmx:beforeSwap", () => {
    const all = everyone();
    kept = {
      ids: ticks().filter((box) => box.checked).map((box) => box.value),
      all: all && all.checked ? all.closest("label").textContent : null,
    };
  });
  function restore() {
    if (!kept) return;
    const all = everyone();
    ticks().forEach((box) => { box.checked = kept.ids.includes(box.value); });
    if (all && kept.all === all.closest("label").textContent) all.checked = true;
    kept = null;
  }
  document.addEventListener("htmx:afterSettle", () => {
    restore();
    const chosen = document.querySelectorAll("[name=status]:checked").length;
    const shown = document.querySelector(".filter__choices b");
    if (shown) shown.textContent = chosen ? `${shown.dataset.some} ${chosen}` : shown.dataset.none;
    count();
  });

  // The confirmation counts again as soon as something else is chosen.
  document.addEventListener("change", (event) => {
    const form = event.target.form;
    if (!form || form.id !== "confirm") return;
    const button = form.querySelector(".recount");
    if (button) form.requestSubmit(button);
  });

  // What takes long says so, and a second press is none.
  document.addEventListener("submit", (event) => {
    const button = event.submitter;
    if (!button || !button.dataset.busy) return;
    if (button.form.dataset.sent) { event.preventDefault(); return; }
    button.form.dataset.sent = "yes";
    button.dataset.said = button.textContent;
    button.textContent = button.dataset.busy;
  });
  window.addEventListener("pageshow", () => {
    document.querySelectorAll("[data-said]").forEach((button) => {
      button.textContent = button.dataset.said;
      delete button.form.dataset.sent;
    });
  });

  // On a phone the list comes first; its filters unfold.
  function fold() {
    const form = document.getElementById("lead-filter");
    const button = form && form.querySelector(".filter__fold");
    if (!button) return;
    button.hidden = false;
    form.classList.add("filter--folded");
    button.addEventListener("click", () => {
      const folded = form.classList.toggle("filter--folded");
      button.setAttribute("aria-expanded", String(!folded));
    });
  }

  document.addEventListener("DOMContentLoaded", () => {
    fold();
    count();
    const counted = document.querySelector("#confirm [name=apply]");
    if (counted) document.querySelectorAll(".recount").forEach((one) => { one.hidden = true; });
  });
  window.addEventListener("pageshow", count);
})();
