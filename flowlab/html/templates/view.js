
// Numbers that were packed as float32, in a frame where the points are of size one about the anchor; all that is
// made of them is float64.
function unpacked(text) {
  return new Float32Array(Uint8Array.from(atob(text), (one) => one.charCodeAt(0)).buffer);
}

// h(y) = sum_k a_k relu(w_k . y + b_k) + V y + c, or the posterior mean under the weighted training points.
function network(level, d) {
  const all = unpacked(level.data);
  return level.kind === "mmse" ? posterior(all, level.width, level.noise, d) : relu(all, level.width, level.skip, d);
}

function relu(all, width, skip, d) {
  const [b, a, c, V] = [width * d, width * (d + 1), width * (2 * d + 1), width * (2 * d + 1) + d];
  return (y) => {
    const h = Float64Array.from(all.subarray(c, V));
    for (let k = 0; k < width; k++) {
      let s = all[b + k];
      for (let i = 0; i < d; i++) s += all[k * d + i] * y[i];
      if (s > 0) for (let i = 0; i < d; i++) h[i] += s * all[a + k * d + i];
    }
    if (skip) for (let i = 0; i < d; i++) for (let j = 0; j < d; j++) h[i] += all[V + i * d + j] * y[j];
    return h;
  };
}

function posterior(all, count, noise, d) {
  const points = rows(all.subarray(0, count * d), d);
  const prior = all.subarray(count * d);
  return (y) => {
    const logs = points.map((x, n) => prior[n] - distance(x, y, "l2") ** 2 / (2 * noise * noise));
    const most = Math.max(...logs);
    const weights = logs.map((one) => Math.exp(one - most));
    const total = weights.reduce((sum, one) => sum + one, 0);
    const h = new Float64Array(d);
    weights.forEach((one, n) => points[n].forEach((x, i) => { h[i] += (one / total) * x; }));
    return h;
  };
}

const dot = (a, b) => a.reduce((sum, one, i) => sum + one * b[i], 0);
const rows = (all, d) => Array.from({ length: all.length / d }, (_, n) => all.subarray(n * d, (n + 1) * d));

function distance(a, b, metric) {
  let found = 0;
  for (let i = 0; i < a.length; i++) {
    const off = Math.abs(a[i] - b[i]);
    found = metric === "linf" ? Math.max(found, off) : found + off * off;
  }
  return metric === "linf" ? found : Math.sqrt(found);
}

// A bank and its geometry as the page evaluates them: networks h at falling sigma, points, sums, the cell.
function bankOf({ levels, all }, packed) {
  const d = packed.dimension;
  const table = (text) => (text === null ? null : rows(unpacked(text), d));
  const cell = packed.cell && {
    normals: table(packed.cell.normals), heights: unpacked(packed.cell.heights),
    center: unpacked(packed.cell.center), basis: table(packed.cell.basis),
  };
  return {
    d, cell, all, rays: packed.rays, width: Math.max(...levels.map((level) => level.width)),
    sigma: levels.map((level) => level.sigma), h: levels.map((level) => network(level, d)),
    points: table(packed.points), anchor: unpacked(packed.anchor), edges: table(packed.edges),
    sums: table(packed.sums), inverse: packed.inverse && unpacked(packed.inverse),
  };
}

// 0 training, 1 virtual, 2 boundary, 3 interior, 4 elsewhere: the first rule that holds, as in flowlab.theory.geometry.classes.
function classOf(y, bank, { threshold, metric }) {
  const near = (points) => points.some((x) => distance(x, y, metric) <= threshold);
  if (near(bank.points)) return 0;
  if (near(bank.sums ?? [roundedSum(y, bank)])) return 1;
  if (!bank.cell) return 4;
  const { normals, heights, center, basis } = bank.cell;
  const depth = Math.min(...normals.map((normal, f) => dot(normal, y) + heights[f]));
  const off = Float64Array.from(y, (one, i) => one - center[i]);
  const shares = basis.map((axis) => dot(axis, off));
  basis.forEach((axis, k) => axis.forEach((one, i) => { off[i] -= shares[k] * one; }));
  if (depth < -threshold || distance(off, new Float64Array(bank.d), metric) > threshold) return 4;
  return depth <= threshold ? 2 : 3;
}

function roundedSum(y, bank) {
  const sum = Float64Array.from(bank.anchor);
  const count = bank.edges.length;
  let taken = 0;
  bank.edges.forEach((edge, e) => {
    let share = 0;
    for (let i = 0; i < bank.d; i++) share += (y[i] - bank.anchor[i]) * bank.inverse[i * count + e];
    if (share <= 0.5) return;
    taken += 1;
    edge.forEach((one, i) => { sum[i] += one; });
  });
  return taken >= 2 && taken < bank.points.length ? sum : sum.fill(Infinity);
}

// One step of Euler in sigma (DDIM): y' = h + ratio (y - h).
const stepped = (h, y, ratio) => h.map((one, i) => one + ratio * (y[i] - one));

// The states on the way from a start at a level: probability flow down to sigma = 0, score flow until it rests.
function follow(flow, bank, level, start) {
  const path = [start];
  let y = start;
  if (flow.name === "score") {
    const ratio = Math.exp(-flow.step);
    for (let k = 0; k < flow.steps; k++) {
      const h = bank.h[level](y);
      const rest = distance(h, y, "linf") < 1e-5;
      y = stepped(h, y, ratio);
      path.push(y);
      if (rest) break;
    }
    return path;
  }
  for (let l = level; l < bank.sigma.length; l++) {
    y = stepped(bank.h[l](y), y, l + 1 < bank.sigma.length ? bank.sigma[l + 1] / bank.sigma[l] : 0);
    path.push(y);
  }
  return path;
}

// The plane through three points: two dimensions as they are, else an orthonormal frame by Gram and Schmidt.
function planeOf(bank, chosen) {
  const { d, points } = bank;
  const unit = (i) => Float64Array.from({ length: d }, (_, j) => Number(i === j));
  const origin = d === 2 ? new Float64Array(2) : Float64Array.from(points[chosen[0]]);
  const axes = d === 2 ? [unit(0), unit(1)] : [];
  const candidates = chosen.slice(1).map((n) => Float64Array.from(points[n], (one, i) => one - origin[i]));
  // points on one line leave the second axis open: any that is across will do
  for (const one of [...candidates, ...Array.from({ length: d }, (_, i) => unit(i))]) {
    if (axes.length === 2) break;
    const size = Math.sqrt(dot(one, one));
    const rest = axes.reduce((left, axis) => { const s = dot(axis, left); return left.map((v, i) => v - s * axis[i]); }, one);
    const left = Math.sqrt(dot(rest, rest));
    if (left > 1e-5 * size) axes.push(rest.map((v) => v / left));
  }
  const along = (v) => axes.map((axis) => dot(axis, v));
  const project = (y) => along(Float64Array.from(y, (one, i) => one - origin[i]));
  const lift = ([s, t]) => origin.map((one, i) => one + s * axes[0][i] + t * axes[1][i]);
  // float32 keeps a point of the plane in it to about 1e-7 of the points' size, which is one
  const holds = (y) => distance(lift(project(y)), y, "linf") <= 1e-5 * Math.max(1, ...y.map(Math.abs));
  return { along, project, lift, holds };
}

// Sums of two edges or more that lie in the plane and are no training points.
function virtualPoints(bank, plane) {
  if (!plane.holds(bank.anchor)) return [];
  const base = Float64Array.from(bank.anchor);
  const plus = (y, edge) => y.map((one, i) => one + edge[i]);
  const flat = bank.edges.map((_, e) => e).filter((e) => plane.holds(plus(base, bank.edges[e]))).slice(0, 10);
  let sums = [{ y: base, rays: [] }];
  for (const e of flat) {
    const ray = bank.rays ? bank.rays[e] : e;
    const free = sums.filter((sum) => !sum.rays.includes(ray));
    sums = [...sums, ...free.map((sum) => ({ y: plus(sum.y, bank.edges[e]), rays: [...sum.rays, ray] }))];
  }
  const known = [...bank.points, bank.anchor];
  const fresh = ({ y, rays }) => rays.length > 1 && known.every((x) => distance(x, y, "linf") > 1e-5);
  return sums.filter(fresh).map(({ y }) => y);
}
