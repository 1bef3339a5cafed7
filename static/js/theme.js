// Bootstrap's dark colours follow the system, before anything is drawn.
"use strict";
const dark = window.matchMedia("(prefers-color-scheme: dark)");
const follow = () => { document.documentElement.dataset.bsTheme = dark.matches ? "dark" : "light"; };
dark.addEventListener("change", follow);
follow();
