
// The section of the flows: controls on the one side, a canvas on the other.
function explore(section) {
  const view = JSON.parse(document.getElementById("view-data").textContent);
  const form = section.querySelector("form");
  const controls = form.elements;
  const canvas = section.querySelector("canvas");
  const places = ["first", "second", "third"].map((name) => controls[name]);
  const banks = view.banks.map((one) => bankOf(one, view.geometries[one.geometry]));
  const cells = section.querySelectorAll(".shares td");
  const dark = matchMedia("(prefers-color-scheme: dark)");
  let scene;
  let job = 0; // the picture asked for last; an older one stops

  const flow = () => view.flows[controls.flow.value];
  const level = () => Number(controls.level.value);

  function chooseFlow() {
    const bank = banks[flow().bank];
    controls.level.max = bank.sigma.length - 1;
    controls.level.value = flow().level;
    section.querySelector(".plane").hidden = bank.d === 2 || bank.points.length < 4;
    places.forEach((select, k) => {
      select.replaceChildren(...bank.points.map((_, n) => new Option(name(n), n, n === k, n === k)));
      select.dataset.last = select.value;
    });
    const some = bank.sigma.length < bank.all ? `${bank.sigma.length} of the bank's ${bank.all} noise levels. ` : "";
    const where = bank.d === 2 ? "" : "Flows from points of the plane may leave it: they are followed in all dimensions. ";
    section.querySelector(".note").textContent = some + where;
    choosePlane();
  }

  // No point twice: one that is taken changes places with the other.
  function choosePlane(changed) {
    for (const other of places) {
      if (changed && other !== changed && other.value === changed.value) other.value = changed.dataset.last;
    }
    for (const select of places) select.dataset.last = select.value;
    const bank = banks[flow().bank];
    const chosen = bank.points.length < 3 ? [0] : places.map((select) => Number(select.value));
    const plane = planeOf(bank, chosen);
    const paths = unpacked(flow().paths);
    const count = paths.length / bank.d / flow().times.length;
    const states = rows(paths, bank.d).map((y) => Float64Array.from(y));
    const moments = flow().times.map((_, m) => states.slice(m * count, (m + 1) * count));
    const training = bank.points.map((y, n) => ({ n, y })).filter(({ y }) => plane.holds(y));
    const virtual = virtualPoints(bank, plane).map(plane.project);
    const marks = [...training.map(({ y }) => plane.project(y)), ...virtual];
    const starts = moments[0].map(plane.project);
    scene = {
      bank, plane, moments, virtual, training: training.map(({ n, y }) => ({ n, place: plane.project(y) })),
      box: [0, 1].map((axis) => limits(marks.map((one) => one[axis]), starts.map((one) => one[axis]))),
    };
    draw();
  }

  // A third more than the points take, and more for the starts, but the points stay in sight.
  function limits(marks, starts) {
    const [low, high] = [Math.min(...marks), Math.max(...marks)];
    const size = Math.max(high - low, 0.5 * Math.max(...scaleOf(banks[flow().bank])));
    const margin = 0.35 * size;
    const sorted = starts.toSorted((a, b) => a - b);
    const at = (share) => sorted[Math.round(share * (sorted.length - 1))];
    return [
      Math.min(low - margin, Math.max(at(0.05), low - 1.5 * size)),
      Math.max(high + margin, Math.min(at(0.95), high + 1.5 * size)),
    ];
  }

  const scaleOf = (bank) => bank.points.map((x) => distance(x, bank.points[0], "l2"));

  function* picture(paint) {
    const { bank, plane, box } = scene;
    const now = level();
    const ratio = (box[1][1] - box[1][0]) / (box[0][1] - box[0][0]);
    const grid = (side) => {
      const [nx, ny] = [side, Math.max(1, Math.round(side * ratio))];
      const share = (i, j) => [(i + 0.5) / nx, (j + 0.5) / ny];
      return { nx, ny, at: (i, j) => share(i, j).map((one, k) => box[k][0] + one * (box[k][1] - box[k][0])) };
    };
    const arrows = [];
    const coarse = grid(18);
    for (let k = 0; k < coarse.nx * coarse.ny; k++) {
      const place = coarse.at(k % coarse.nx, Math.floor(k / coarse.nx));
      const y = plane.lift(place);
      const h = bank.h[now](y);
      arrows.push({ place, field: plane.along(h.map((one, i) => one - y[i])) });
    }
    // as fine as two hundred million products allow, about a second's
    const products = (flow().name === "score" ? 100 : bank.sigma.length - now) * bank.width * bank.d;
    const { nx, ny, at } = grid(Math.min(128, Math.max(32, Math.round(Math.sqrt(2e8 / products)))));
    const lines = [];
    const basins = { nx, ny, labels: new Int8Array(nx * ny).fill(-1), ends: [] };
    paint({ arrows, lines, basins });
    for (let s = 0; s < scene.moments[0].length && controls.trajectories.checked; s++) {
      lines.push(line(s, now));
      yield;
    }
    paint({ arrows, lines, basins });
    for (let j = 0; j < ny && controls.basins.checked; j++) {
      for (let i = 0; i < nx; i++) {
        const end = follow(flow(), bank, now, plane.lift(at(i, j))).at(-1);
        basins.labels[j * nx + i] = classOf(end, bank, flow());
        basins.ends[j * nx + i] = end;
        if (i % 8 === 0) yield;
      }
    }
    paint({ arrows, lines, basins });
  }

  // A trajectory so far, the rest of it, and the class of its end.
  function line(start, now) {
    const { bank, moments } = scene;
    const score = flow().name === "score";
    const states = score ? follow(flow(), bank, now, moments[0][start]) : moments.map((moment) => moment[start]);
    const places = states.map(scene.plane.project);
    // sigmas of both come of the same float64
    const far = score ? states.length : flow().times.findLastIndex((time) => time >= bank.sigma[now]) + 1;
    return { past: places.slice(0, far), rest: places.slice(far - 1), label: classOf(states.at(-1), bank, flow()) };
  }

  // In slices, so that the page stays at hand; a later call puts an end to it.
  function draw() {
    const mine = ++job;
    canvas.dataset.state = "busy";
    controls.level.setAttribute("aria-valuetext", `sigma ${sigma()}`);
    section.querySelector("output").textContent = `σ = ${sigma()}`;
    const steps = picture((parts) => paint(canvas, scene, parts, controls, view.colours));
    const slice = () => {
      if (mine !== job) return;
      for (const until = performance.now() + 20; performance.now() < until;) {
        const { done } = steps.next();
        if (!done) continue;
        canvas.dataset.state = "done";
        return;
      }
      requestAnimationFrame(slice);
    };
    slice();
  }

  const sigma = () => Number(scene.bank.sigma[level()].toPrecision(3)).toString();

  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("input", ({ target }) => {
    if (target === controls.flow) chooseFlow();
    else if (places.includes(target)) choosePlane(target);
    else draw();
  });
  canvas.addEventListener("shares", ({ detail }) => {
    cells.forEach((cell, k) => { cell.textContent = detail ? `${(100 * detail[k]).toFixed(1)} %` : "–"; });
  });
  dark.addEventListener("change", draw);
  new ResizeObserver(() => { if (canvas.clientWidth !== scene.width) draw(); }).observe(canvas);
  chooseFlow();
}

const name = (n) => `x${[...String(n)].map((digit) => "₀₁₂₃₄₅₆₇₈₉"[digit]).join("")}`;

function paint(canvas, scene, { arrows, lines, basins }, controls, colours) {
  const [[left, right], [bottom, top]] = scene.box;
  const style = getComputedStyle(canvas);
  const colour = (variable) => style.getPropertyValue(variable);
  const ratio = globalThis.devicePixelRatio;
  canvas.style.aspectRatio = (right - left) / (top - bottom);
  const width = canvas.clientWidth;
  const scale = width / (right - left);
  const height = scale * (top - bottom);
  scene.width = width;
  canvas.width = Math.round(width * ratio);
  canvas.height = Math.round(height * ratio);
  const context = canvas.getContext("2d");
  context.scale(ratio, ratio);
  const at = ([s, t]) => [(s - left) * scale, (top - t) * scale];
  const stroke = (places, close) => {
    context.beginPath();
    for (const place of places) context.lineTo(...at(place));
    if (close) context.closePath();
    context.stroke();
  };

  if (controls.basins.checked) {
    const [w, h] = [width / basins.nx, height / basins.ny];
    const { nx, labels, ends } = basins;
    context.globalAlpha = Number(colour("--basin"));
    labels.forEach((label, k) => {
      if (label < 0) return;
      context.fillStyle = colours[label];
      // to whole pixels: between cells no seam is seen
      const [x, y] = [Math.floor((k % nx) * w), Math.floor(height - (Math.floor(k / nx) + 1) * h)];
      context.fillRect(x, y, Math.floor(((k % nx) + 1) * w) - x, Math.floor(height - Math.floor(k / nx) * h) - y);
    });
    context.globalAlpha = 1;
    context.strokeStyle = colour("--ink");
    context.lineWidth = 1.2;
    context.beginPath();
    // where neighbours end farther apart than an eighth of the picture, a border of basins runs between them
    const apart = (right - left) / 8;
    ends.forEach((end, k) => {
      const [x, y] = [(k % nx) * w, height - Math.floor(k / nx) * h];
      if (k % nx && distance(end, ends[k - 1], "l2") > apart) { context.moveTo(x, y); context.lineTo(x, y - h); }
      if (k >= nx && distance(end, ends[k - nx], "l2") > apart) { context.moveTo(x, y); context.lineTo(x + w, y); }
    });
    context.stroke();
  }
  const known = basins.ends.length === basins.labels.length;
  const shares = colours.map((_, k) => basins.labels.filter((label) => label === k).length / basins.labels.length);
  canvas.dispatchEvent(new CustomEvent("shares", { detail: known ? shares : null }));

  if (controls.field.checked) {
    const most = Math.max(...arrows.map(({ field }) => Math.hypot(...field)));
    const room = 0.9 * Math.sqrt(((right - left) * (top - bottom)) / arrows.length);
    context.strokeStyle = colour("--faint");
    context.lineWidth = 1;
    for (const { place, field } of arrows) {
      const strength = Math.hypot(...field);
      if (strength < 1e-3 * most) continue;
      // the root: weak fields are seen, too
      const factor = (room * Math.sqrt(strength / most)) / strength;
      const [dx, dy] = field.map((one) => one * factor);
      const tip = [place[0] + dx / 2, place[1] + dy / 2];
      const barb = (turn) => [tip[0] - 0.3 * dx + turn * 0.15 * dy, tip[1] - 0.3 * dy - turn * 0.15 * dx];
      stroke([[place[0] - dx / 2, place[1] - dy / 2], tip]);
      stroke([barb(1), tip, barb(-1)]);
    }
  }

  for (const { past, rest, label } of lines) {
    context.strokeStyle = context.fillStyle = colours[label];
    context.lineWidth = 1.5;
    stroke(past);
    context.lineWidth = 1;
    context.setLineDash([1, 3]);
    stroke(rest);
    context.setLineDash([]);
    context.beginPath();
    context.arc(...at(past.at(-1)), 3.5, 0, 7);
    context.fill();
    context.strokeStyle = colour("--ink");
    context.stroke();
  }

  context.lineWidth = 1.5;
  context.strokeStyle = colour("--ink");
  for (const place of scene.virtual) {
    const [x, y] = at(place);
    context.beginPath();
    for (const [dx, dy] of [[0, -6], [6, 0], [0, 6], [-6, 0]]) context.lineTo(x + dx, y + dy);
    context.closePath();
    context.stroke();
  }
  context.font = `600 14px ${style.fontFamily}`;
  for (const { n, place } of scene.training) {
    const [x, y] = at(place);
    context.beginPath();
    context.arc(x, y, 5, 0, 7);
    context.fillStyle = colour("--ink");
    context.strokeStyle = colour("--paper");
    context.fill();
    context.stroke();
    context.lineWidth = 3;
    context.strokeText(name(n), x + 8, y - 8);
    context.lineWidth = 1.5;
    context.fillText(name(n), x + 8, y - 8);
  }
}

explore(document.getElementById("view"));
