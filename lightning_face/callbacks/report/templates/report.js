"use strict";
for (const svg of document.querySelectorAll("svg.curve")) {
  const series = JSON.parse(svg.dataset.series);
  const tip = svg.parentElement.appendChild(document.createElement("div"));
  tip.className = "tip";
  tip.hidden = true;
  const cursor = document.createElementNS(svg.namespaceURI, "line");
  cursor.setAttribute("class", "cursor");
  const bottom = svg.querySelector(".axis").getAttribute("y1");
  svg.addEventListener("pointermove", (event) => {
    const box = svg.getBoundingClientRect();
    const scale = svg.viewBox.baseVal.width / box.width;
    const x = (event.clientX - box.left) * scale;
    const near = series.map(({ label, points }) => [
      label, points.reduce((a, b) => (Math.abs(b[0] - x) < Math.abs(a[0] - x) ? b : a)),
    ]);
    const [, first] = near.reduce((a, b) => (Math.abs(b[1][0] - x) < Math.abs(a[1][0] - x) ? b : a));
    const lines = near.map(([label, point]) =>
      point[2] === first[2] ? `${label}  ${point[3]}` : `${label}  ${point[3]} (step ${point[2]})`);
    tip.innerText = [`step ${first[2]}`, ...lines].join("\n");
    for (const [name, value] of [["x1", first[0]], ["x2", first[0]], ["y1", 12], ["y2", bottom]]) {
      cursor.setAttribute(name, value);
    }
    svg.append(cursor);
    tip.hidden = false;
    const outer = svg.parentElement.getBoundingClientRect();
    const left = box.left - outer.left + first[0] / scale;
    const room = svg.parentElement.clientWidth - tip.offsetWidth - 8;
    tip.style.left = `${Math.max(8, Math.min(left + 12, room))}px`;
    tip.style.top = `${box.top - outer.top + 10}px`;
  });
  svg.addEventListener("pointerleave", () => { tip.hidden = true; cursor.remove(); });
}
const viewer = document.body.appendChild(document.createElement("dialog"));
viewer.addEventListener("click", () => viewer.close());
for (const image of document.querySelectorAll("figure img")) {
  image.addEventListener("click", () => {
    viewer.replaceChildren(image.cloneNode());
    viewer.showModal();
  });
}
