// Sorting and filtering of tables; every page is complete without it. Follows the W3C APG sortable table pattern.
"use strict";
document.querySelectorAll("table.sortable").forEach((table) => {
  const body = table.tBodies[0];
  const caption = table.caption;
  if (caption) caption.insertAdjacentText("beforeend", " (headers sort)");
  Array.from(table.tHead.rows[0].cells).forEach((head, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = head.textContent;
    const arrow = document.createElement("span");
    arrow.setAttribute("aria-hidden", "true");
    arrow.textContent = " ↕";
    head.replaceChildren(button);
    button.append(arrow);
    button.addEventListener("click", () => {
      const up = head.getAttribute("aria-sort") !== "ascending";
      Array.from(head.parentNode.cells).forEach((cell) => {
        cell.removeAttribute("aria-sort");
        cell.querySelector("span").textContent = " ↕";
      });
      head.setAttribute("aria-sort", up ? "ascending" : "descending");
      arrow.textContent = up ? " ▲" : " ▼";
      const text = (row) => row.cells[column].textContent.trim();
      const figure = (row) => {
        const bare = text(row).replace(/[$,%]/g, "");
        return bare === "" || Number.isNaN(Number(bare)) ? null : Number(bare);
      };
      const isFigures = Array.from(body.rows).some((row) => figure(row) !== null);
      Array.from(body.rows)
        .sort((a, b) => {
          const x = figure(a), y = figure(b);
          if (isFigures && (x === null || y === null)) return (x === null) - (y === null);
          const order = isFigures ? x - y : text(a).localeCompare(text(b), "en", { numeric: true });
          return up ? order : -order;
        })
        .forEach((row) => body.append(row));
    });
  });
});
document.querySelectorAll("form.filter").forEach((form) => {
  form.hidden = false;
  const rows = Array.from(document.querySelectorAll(`#${form.dataset.table} tbody tr`));
  const said = form.querySelector("[aria-live]");
  const apply = () => {
    const wanted = form.elements.name.value.trim().toLowerCase();
    const level = form.elements.level.value;
    let shown = 0;
    rows.forEach((row) => {
      const fits = row.textContent.toLowerCase().includes(wanted) && (!level || row.dataset.level === level);
      row.hidden = !fits;
      shown += fits ? 1 : 0;
    });
    said.textContent = `${shown} of ${rows.length} rows shown`;
  };
  form.addEventListener("input", apply);
  form.addEventListener("submit", (event) => event.preventDefault());
});
