"use strict";
(() => {
  const all = (query, root = document) => [...root.querySelectorAll(query)];
  const filter = document.getElementById("filter");
  if (!filter) return;
  const find = document.getElementById("find");
  const expand = document.getElementById("expand");
  const rows = all("tr.verdict");
  const chips = all("button[data-state]", filter);
  const pressed = (button) => button.getAttribute("aria-pressed") === "true";
  const press = (button, on) => button.setAttribute("aria-pressed", String(on));

  // Of a run of the overhead alone 300 rows say no more than that nobody asked.
  const allSkipped = rows.every((row) => row.dataset.state === "skipped");
  const asked = (row) => allSkipped || row.dataset.state !== "skipped" || `#${row.id}` === location.hash;

  const apply = () => {
    const words = find.value.toLowerCase().split(/\s+/).filter(Boolean);
    const states = chips.filter(pressed).map((button) => button.dataset.state);
    let shown = 0;
    for (const row of rows) {
      const text = row.textContent.toLowerCase();
      const wanted = states.length ? states.includes(row.dataset.state) : words.length > 0 || asked(row);
      const fits = wanted && words.every((word) => text.includes(word));
      row.hidden = !fits;
      shown += fits;
    }
    for (const area of all(".area")) area.hidden = all("tr.verdict", area).every((row) => row.hidden);
    document.getElementById("shown").textContent = shown === rows.length ? "" : `${shown} of ${rows.length} shown`;
  };

  filter.hidden = false;
  find.addEventListener("input", apply);
  for (const button of chips) {
    button.addEventListener("click", () => { press(button, !pressed(button)); apply(); });
  }
  expand.addEventListener("click", () => {
    press(expand, !pressed(expand));
    for (const details of all("#requirements details")) details.open = pressed(expand);
  });

  window.addEventListener("hashchange", () => {
    apply();
    document.getElementById(location.hash.slice(1))?.scrollIntoView();
  });
  apply();
})();
