// What htmx cannot do: the beat of the page, clocks, toasts, and ticking a whole page.
"use strict";

const RUNNING_MS = 1000, IDLE_MS = 3000, HIDDEN_MS = 15000, TOAST_MS = 6000;

// A button under a finger, or a field being typed in, is not drawn anew: the press would
// be lost with the old button.
function busy() {
  return document.querySelector("main :active") || document.activeElement?.matches("#limit, .more summary");
}

document.body.addEventListener("htmx:beforeSwap", (event) => {
  if (event.detail.requestConfig.triggeringEvent?.type === "tick" && busy()) event.detail.shouldSwap = false;
});

// Every moving part asks for itself at each tick; a hidden tab beats slower.
function beat() {
  const running = document.getElementById("panel")?.dataset.running === "yes";
  if (!busy()) htmx.trigger(document.body, "tick");
  setTimeout(beat, document.hidden ? HIDDEN_MS : running ? RUNNING_MS : IDLE_MS);
}

function showAges() {
  for (const clock of document.querySelectorAll("[data-since]")) {
    const seconds = Math.max(0, Math.floor((Date.now() - Date.parse(clock.dataset.since)) / 1000));
    clock.textContent = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
  }
}

function toast(text, kind) {
  const line = document.createElement("p");
  line.className = kind ? `toast-line toast-line--${kind}` : "toast-line";
  line.textContent = text;
  document.getElementById("toasts").append(line);
  setTimeout(() => line.remove(), TOAST_MS);
}

document.body.addEventListener("toast", (event) => toast(event.detail.text));
document.body.addEventListener("htmx:afterSwap", showAges);

let lost = false;
document.body.addEventListener("htmx:sendError", () => {
  if (!lost) toast("Se ha perdido la conexión. Se sigue intentando; no hace falta recargar.", "error");
  lost = true;
});
document.body.addEventListener("htmx:afterOnLoad", () => {
  if (lost) toast("La conexión ha vuelto.");
  lost = false;
});
document.body.addEventListener("htmx:responseError", (event) => {
  const status = event.detail.xhr.status;
  if (status === 403) toast("No tiene permiso para esto. Pídalo a quien administra el sitio.", "error");
  else if (status === 503) toast("La base de datos no responde. No se pierde nada; se sigue intentando.", "error");
  else if (status >= 500) toast("Algo ha fallado en el servidor; no se ha cambiado nada. Vuelva a intentarlo.", "error");
});

document.body.addEventListener("change", (event) => {
  if (event.target.id === "tick-all") {
    for (const tick of document.querySelectorAll("#rows [name=id]")) tick.checked = event.target.checked;
  }
  if (event.target.matches("#tick-all, #rows [name=id]")) {
    document.querySelector("#rows [name=scope][value=ticked]").checked = true;
  }
  if (event.target.dataset.submit !== undefined) event.target.form.submit();
});

showAges();
setInterval(showAges, 1000);
setTimeout(beat, RUNNING_MS);
