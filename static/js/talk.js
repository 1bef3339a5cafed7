// The words of a recording follow it, and lead to where they were said.
(() => {
"use strict";

const calm = matchMedia("(prefers-reduced-motion: reduce)");
const audioOf = (inside) => inside.closest("[data-talk]")?.querySelector("audio");
const turnsOf = (audio) => [...audio.closest("[data-talk]").querySelectorAll("[data-at]")];

function isSeen(turn, list) {
  const box = turn.getBoundingClientRect(), frame = list.getBoundingClientRect();
  return box.bottom > frame.top && box.top < frame.bottom;
}

// Only the list moves, never the page; and not while somebody reads elsewhere in it.
function bring(turn, before) {
  const list = turn.parentElement;
  if (before && !isSeen(before, list)) return;
  const top = turn.offsetTop - (list.clientHeight - turn.offsetHeight) / 2;
  list.scrollTo({ top, behavior: calm.matches ? "auto" : "smooth" });
}

function follow(audio) {
  const turns = turnsOf(audio), at = audio.currentTime + .05;
  const now = turns.findLast((turn) => Number(turn.dataset.at) <= at);
  const before = turns.find((turn) => turn.hasAttribute("aria-current"));
  if (now === before) return;
  before?.removeAttribute("aria-current");
  if (!now || audio.ended) return;
  now.setAttribute("aria-current", "true");
  bring(now, before);
}

function jump(turn, audio) {
  audio.currentTime = Number(turn.dataset.at);
  audio.play().catch(() => {});  // an error is told by its own event
}

// The events of sound do not bubble.
const heard = (name, act) => document.addEventListener(name, ({ target }) => {
  if (target.matches?.("[data-talk] audio")) act(target);
}, true);

heard("timeupdate", follow);
heard("seeked", follow);
heard("ended", (audio) => turnsOf(audio).forEach((turn) => turn.removeAttribute("aria-current")));
heard("error", (audio) => { audio.closest("[data-talk]").querySelector(".talk__lost").hidden = false; });
heard("play", (audio) => {
  audio.closest("[data-talk]").querySelector(".talk__lost").hidden = true;
  for (const other of document.querySelectorAll("[data-talk] audio")) if (other !== audio) other.pause();
});

// A turn is where the link in it is; in a new tab a link is a link, and words are marked.
document.addEventListener("click", (event) => {
  const turn = event.target.closest?.("[data-at]"), audio = turn && audioOf(turn);
  if (!audio || event.ctrlKey || event.metaKey || event.shiftKey) return;
  if (!event.target.closest("a") && !getSelection().isCollapsed) return;
  event.preventDefault();
  jump(turn, audio);
});
})();
