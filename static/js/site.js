// On every page: toasts, what the connection does, and the bar of what takes long.
"use strict";
(() => {
  const STAYS_MS = 6000, STAYS_WITH_ACTION_MS = 15000, AT_MOST = 4, LONG_MS = 300;
  const box = document.getElementById("toasts");
  const words = box.dataset;
  const toasts = () => [...box.querySelectorAll(".toast-line")].sort((one, other) => one.dataset.at - other.dataset.at);
  let made = 0, came = null;

  function button(text, name, press) {
    const made = document.createElement("button");
    made.type = "button";
    made.className = name;
    made.textContent = text;
    made.addEventListener("click", press);
    return made;
  }

  function close(line) {
    const held = line.contains(document.activeElement);
    line.remove();
    if (!held) return;
    const next = toasts().at(-1)?.querySelector("button");
    (next ?? (came?.isConnected ? came : document.getElementById("main")))?.focus();
  }

  // Its time runs anew whenever the pointer or the focus leaves it.
  function expire(line, after) {
    let timer = 0;
    const stay = () => clearTimeout(timer);
    const run = () => {
      stay();
      if (!line.matches(":hover, :focus-within")) timer = setTimeout(close, after, line);
    };
    line.addEventListener("pointerenter", stay);
    line.addEventListener("focusin", stay);
    line.addEventListener("pointerleave", run);
    line.addEventListener("focusout", () => setTimeout(run));
    run();
  }

  function act(line, action) {
    return () => {
      close(line);
      htmx.ajax("POST", action.url, { source: document.body, target: document.body, swap: "none" });
    };
  }

  // Above an open dialog is only what came to the top layer after it.
  function rise() {
    if (!document.querySelector("dialog:modal")) return;
    if (box.matches(":popover-open")) box.hidePopover();
    box.showPopover();
  }

  function toast({ text, kind, action, key }) {
    const line = document.createElement("div"), said = document.createElement("p");
    line.className = kind === "error" ? "toast-line toast-line--error" : "toast-line";
    line.dataset.at = ++made;
    // What is said of one thing makes way for what is said of it later.
    if (key) box.querySelector(`[data-key="${CSS.escape(key)}"]`)?.remove();
    if (key) line.dataset.key = key;
    said.textContent = text;
    line.append(said);
    if (action) line.append(button(action.label, "toast-line__action", act(line, action)));
    const closes = button("×", "toast-line__close", () => close(line));
    closes.setAttribute("aria-label", words.close);
    line.append(closes);
    if (kind === "error") line.setAttribute("role", "alert");
    (kind === "error" ? box : box.querySelector(".toasts__quiet")).append(line);
    // An error stays until it is closed: what must make room is first what would go.
    while (toasts().length > AT_MOST) close(toasts().find((one) => !one.role) ?? toasts()[0]);
    if (kind === "error") rise();
    else expire(line, action ? STAYS_WITH_ACTION_MS : STAYS_MS);
    return line;
  }

  box.addEventListener("focusin", (event) => {
    if (event.relatedTarget && !box.contains(event.relatedTarget)) came = event.relatedTarget;
  });
  document.addEventListener("keydown", (event) => {
    const newest = toasts().at(-1);
    if (!newest || event.defaultPrevented) return;
    if (event.key === "F8") newest.querySelector("button").focus();
    else if (event.key === "Escape" && !document.querySelector("dialog[open], :popover-open:not(#toasts)")) close(newest);
  });
  document.body.addEventListener("toast", (event) => toast(event.detail));
  for (const line of box.querySelectorAll("[data-message]")) {
    line.remove();
    toast({ text: line.textContent, kind: line.matches(".toast-line--error") ? "error" : undefined });
  }

  let lost = null;
  document.body.addEventListener("htmx:sendError", () => {
    lost ??= toast({ text: words.lost, kind: "error" });
  });
  document.body.addEventListener("htmx:afterOnLoad", () => {
    if (!lost) return;
    close(lost);
    lost = null;
    toast({ text: words.back });
  });
  // 401 brings the address of the login with it; what the server says itself is enough.
  document.body.addEventListener("htmx:responseError", ({ detail: { xhr } }) => {
    if (xhr.status === 401 || /"?toast"?/.test(xhr.getResponseHeader("HX-Trigger") ?? "")) return;
    const text = words[xhr.status] ?? (xhr.status >= 500 ? words[500] : words[400]);
    if (!toasts().some((line) => line.firstChild.textContent === text)) toast({ text, kind: "error" });
  });

  // Only what a person began: the page's own beat shows no bar.
  const begun = new Map();
  document.body.addEventListener("htmx:beforeRequest", ({ detail: { xhr, requestConfig } }) => {
    const cause = requestConfig.triggeringEvent;
    if (!cause || cause.isTrusted) begun.set(xhr, setTimeout(() => waiting(true), LONG_MS));
  });
  document.body.addEventListener("htmx:afterRequest", ({ detail: { xhr } }) => {
    clearTimeout(begun.get(xhr));
    if (begun.delete(xhr) && !begun.size) waiting(false);
  });
  function waiting(is) {
    document.documentElement.classList.toggle("waits", is);
    document.getElementById("main")?.setAttribute("aria-busy", String(is));
  }
})();
