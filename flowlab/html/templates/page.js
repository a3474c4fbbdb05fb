"use strict";

// Rows in the order of a column: numbers by what each cell begins with, else text; empty cells last.
function sort(table, column, sign) {
  const body = table.tBodies[0];
  const rows = [...body.rows].map((row) => ({ row, text: row.cells[column].textContent.trim() }));
  const empty = ({ text }) => text === "" || text === "-";
  const full = rows.filter((one) => !empty(one));
  const numeric = full.every(({ text }) => !Number.isNaN(Number.parseFloat(text)));
  const compare = numeric
    ? (a, b) => Number.parseFloat(a.text) - Number.parseFloat(b.text)
    : (a, b) => a.text.localeCompare(b.text, "en", { numeric: true });
  full.sort((a, b) => sign * compare(a, b));
  body.append(...[...full, ...rows.filter(empty)].map(({ row }) => row));
}

for (const table of document.querySelectorAll("table.sortable")) {
  for (const button of table.querySelectorAll("th button")) {
    button.addEventListener("click", () => {
      const header = button.closest("th");
      const descending = header.getAttribute("aria-sort") === "ascending";
      for (const other of table.querySelectorAll("th[aria-sort]")) other.removeAttribute("aria-sort");
      header.setAttribute("aria-sort", descending ? "descending" : "ascending");
      sort(table, header.cellIndex, descending ? -1 : 1);
    });
  }
}

const dialog = document.querySelector("dialog");
for (const button of document.querySelectorAll(".zoom")) {
  button.addEventListener("click", () => {
    dialog.querySelector(".large").replaceChildren(button.querySelector("img").cloneNode());
    dialog.showModal();
  });
}
dialog.addEventListener("click", (event) => {
  if (event.target === dialog) dialog.close();
});

// The link to the section that is being read.
const links = new Map([...document.querySelectorAll("nav a")].map((link) => [link.hash.slice(1), link]));
const sections = [...document.querySelectorAll("main > section")].filter((section) => links.has(section.id));

function mark() {
  const passed = sections.filter((section) => section.getBoundingClientRect().top < 0.3 * window.innerHeight);
  const current = passed.at(-1) ?? sections[0];
  for (const [id, link] of links) {
    if (current && id === current.id) link.setAttribute("aria-current", "true");
    else link.removeAttribute("aria-current");
  }
}

document.addEventListener("scroll", mark, { passive: true });
mark();
