// How far an import is, one press for each form, and a file that is too large is not sent.
"use strict";

const FIRST_MS = 400, POLL_MS = 1000, PATIENCE_MS = 3000;

async function ask(box) {
  let wait = POLL_MS;
  try {
    const answer = await fetch(box.dataset.progress, { headers: { Accept: "application/json" } });
    // Redirected: the session ended. The page itself says what there is to do.
    if (answer.redirected || answer.status === 403 || answer.status === 404) return location.reload();
    if (!answer.ok) throw new Error(answer.status);
    const now = await answer.json();
    if (now.finished) return location.reload();
    show(box, now);
  } catch {
    write(box.querySelector(".import-progress__text"), box.dataset.lost);
    wait = PATIENCE_MS;
  }
  setTimeout(ask, wait, box);
}

function show(box, now) {
  const bar = box.querySelector("progress");
  if (now.total) {
    bar.max = now.total;
    bar.value = now.done;
  }
  write(box.querySelector(".import-progress__text"), now.text);
  write(box.querySelector("[role=status]"), now.spoken);
}

// Written only when it differs: a screen reader would say it again.
function write(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

for (const box of document.querySelectorAll("[data-progress]")) setTimeout(ask, FIRST_MS, box);

for (const form of document.querySelectorAll("form[data-once]")) {
  form.addEventListener("submit", (event) => {
    if (form.dataset.sent) return event.preventDefault();
    form.dataset.sent = "yes";
    const button = form.querySelector("[type=submit].default, [type=submit].import-danger");
    button.dataset.before = button.value;
    button.value = form.dataset.once;
    button.setAttribute("aria-busy", "true");
  });
}

// Back from the next page, which may be this one kept in memory.
addEventListener("pageshow", (event) => {
  if (!event.persisted) return;
  for (const form of document.querySelectorAll("form[data-sent]")) {
    delete form.dataset.sent;
    const button = form.querySelector("[aria-busy]");
    button.value = button.dataset.before;
    button.removeAttribute("aria-busy");
  }
});

const file = document.querySelector("input[type=file][data-max-bytes]");
file?.addEventListener("change", () => {
  const tooLarge = file.files[0]?.size > Number(file.dataset.maxBytes);
  file.setCustomValidity(tooLarge ? file.dataset.tooLarge : "");
  file.reportValidity();
});

// What is known of a source is offered, and never put over what somebody wrote.
const source = document.getElementById("id_source"), consent = document.getElementById("id_consent_source");
let offered = "";
source?.addEventListener("change", () => {
  const known = [...document.querySelectorAll("#sources option")].find((one) => one.value === source.value.trim());
  if (consent.value !== offered) return;
  offered = consent.value = known?.dataset.consent ?? "";
});

function openTarget() {
  const target = location.hash && document.querySelector(location.hash);
  if (target?.tagName === "DETAILS") target.open = true;
}
addEventListener("hashchange", openTarget);
openTarget();
