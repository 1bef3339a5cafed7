// The ticks of the leads.
(() => {
"use strict";

document.body.addEventListener("change", (event) => {
  if (event.target.id === "tick-all") {
    for (const tick of document.querySelectorAll("#rows [name=id]")) tick.checked = event.target.checked;
  }
  if (event.target.matches("#tick-all, #rows [name=id]")) {
    document.querySelector("#rows [name=scope][value=ticked]").checked = true;
  }
});
})();
