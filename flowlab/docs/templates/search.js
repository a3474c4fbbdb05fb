// Search in the guide: every word typed has to begin a word of a section. No network: the index is a script beside.
(() => {
  "use strict";
  const root = document.currentScript.dataset.root;
  const box = document.querySelector("#search");
  const list = document.querySelector("#results");
  const note = document.querySelector("#found");
  const most = 20;
  const fold = (text) => text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();
  const sections = window.searchIndex.map(([page, anchor, title, heading, text]) => ({
    page, anchor, title, heading, text, head: fold(`${title} ${heading}`), body: fold(text),
  }));

  // Where a word of the text begins with the one typed; -1 where none does.
  const begin = (text, word) => {
    for (let at = text.indexOf(word); at >= 0; at = text.indexOf(word, at + 1)) {
      if (at === 0 || !/[\p{L}\p{N}]/u.test(text[at - 1])) return at;
    }
    return -1;
  };
  const score = (section, words) => {
    let total = 0;
    for (const word of words) {
      const named = begin(fold(section.heading), word) >= 0 ? 8 : begin(section.head, word) >= 0 ? 4 : 0;
      const said = begin(section.body, word) >= 0 ? 1 : 0;
      if (named + said === 0) return 0;
      total += named + said;
    }
    return total;
  };
  const excerpt = (section, words) => {
    const places = words.map((word) => begin(section.body, word)).filter((at) => at >= 0);
    const start = Math.max(0, Math.min(...places, Infinity) - 40);
    if (!Number.isFinite(start) || !places.length) return section.text.slice(0, 140);
    return `${start ? "…" : ""}${section.text.slice(start, start + 140)}…`;
  };

  const show = () => {
    const words = fold(box.value).split(/\s+/).filter(Boolean);
    const found = words.length
      ? sections.map((section) => [score(section, words), section]).filter(([points]) => points).sort((a, b) => b[0] - a[0])
      : [];
    list.replaceChildren(...found.slice(0, most).map(([, section]) => {
      const item = document.createElement("li");
      const link = document.createElement("a");
      const path = section.page.split("/").map(encodeURIComponent).join("/");
      link.href = root + path + (section.anchor ? `#${encodeURIComponent(section.anchor)}` : "");
      link.textContent = section.heading && section.heading !== section.title ? `${section.title}: ${section.heading}` : section.title || section.page;
      const text = document.createElement("p");
      text.textContent = excerpt(section, words);
      item.append(link, text);
      return item;
    }));
    list.hidden = found.length === 0;
    const more = found.length > most ? `, the first ${most} shown` : "";
    note.textContent = words.length ? `${found.length || "no"} ${found.length === 1 ? "section" : "sections"}${more}` : "";
  };

  box.disabled = false;
  box.addEventListener("input", show);
  box.addEventListener("keydown", (event) => {
    if (event.key === "Escape") { box.value = ""; show(); }
    if (event.key === "Enter") list.querySelector("a")?.click();
    if (event.key === "ArrowDown") { list.querySelector("a")?.focus(); event.preventDefault(); }
  });
  document.addEventListener("keydown", (event) => {
    const typing = event.target instanceof HTMLInputElement;
    if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey) { box.focus(); event.preventDefault(); }
  });
  show();
})();
