// Sort by a column, and search. Without this the page is complete: it only saves scrolling.
(() => {
  const table = document.querySelector("table.class");
  if (!table) return;
  const body = table.tBodies[0];
  const rows = [...body.rows];
  const heads = [...table.tHead.rows[0].cells];
  const order = new Intl.Collator(undefined, { numeric: true });

  const value = (row, column) => {
    const cell = row.cells[column];
    const number = cell.dataset.value;
    if (number !== undefined) return number === "" ? null : Number(number);
    return cell.textContent.trim() || null;
  };
  // What has no value stays last, whichever way the rest is sorted.
  const compare = (one, other, down) => {
    if (one === null || other === null) return (one === null) - (other === null);
    const by = typeof one === "number" ? one - other : order.compare(one, other);
    return down ? -by : by;
  };
  const sort = (column) => {
    const down = heads[column].getAttribute("aria-sort") === "ascending";
    heads.forEach((head) => head.removeAttribute("aria-sort"));
    heads[column].setAttribute("aria-sort", down ? "descending" : "ascending");
    const keyed = rows.map((row) => [value(row, column), row]);
    keyed.sort((one, other) => compare(one[0], other[0], down));
    const sorted = document.createDocumentFragment();
    keyed.forEach(([, row]) => sorted.append(row));
    body.append(sorted);
  };
  heads.forEach((head, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    button.addEventListener("click", () => sort(column));
    head.append(button);
  });

  const search = document.querySelector(".search");
  const box = search.querySelector("input");
  const told = search.querySelector("output");
  // A name from a Mac's file system has its accents as letters of their own.
  const plain = (text) => text.normalize("NFC").toLowerCase();
  const texts = rows.map((row) => plain(row.textContent));
  box.addEventListener("input", () => {
    const words = plain(box.value).split(/\s+/).filter(Boolean);
    let shown = 0;
    rows.forEach((row, number) => {
      row.hidden = !words.every((word) => texts[number].includes(word));
      shown += !row.hidden;
    });
    told.textContent = words.length ? `${shown} of ${rows.length}` : "";
  });
  search.hidden = false;
})();
