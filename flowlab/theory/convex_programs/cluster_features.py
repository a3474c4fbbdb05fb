"""The equations of interpolation for neurons that are active on whole clusters only."""

from __future__ import annotations

import numpy as np
from attrs import frozen

from flowlab.theory.convex_programs.dichotomies import Array, Sides

_ROUNDING = 1e-10


@frozen
class ClusterFeatures:
    """The equations of h(y_nm) = x_n for a network that is affine on each cluster.

    `features` F (q, d + 1) maps a neuron (w, b) to Q_n w and w . ybar_n + b on each cluster n (rows `owner` (q,)),
    Q_n a basis of the cluster's directions, ybar_n its mean. A neuron active on n alone adds a_k times these rows;
    `target` (q, d) is 0 for directions and x_n for means. `free` (q, p) is a basis of what affine maps leave.
    """

    features: Array
    owner: Array
    target: Array
    free: Array

    @classmethod
    def of(cls, samples: Array, points: Array) -> ClusterFeatures:
        """From samples (N, M, d) of size one about the origin, and points (N, d)."""
        dimension = samples.shape[-1]
        parts, owner, target = [], [], []
        for n, (cluster, point) in enumerate(zip(samples, points, strict=True)):
            mean = cluster.mean(0)
            _, singular, axes = np.linalg.svd(cluster - mean, full_matrices=False)
            basis = axes[singular > _ROUNDING]
            parts += [np.column_stack([basis, np.zeros(len(basis))]), np.append(mean, 1.0)[None]]
            owner += [n] * (len(basis) + 1)
            target += [np.zeros((len(basis), dimension)), point[None]]
        features = np.concatenate(parts)
        left, singular, _ = np.linalg.svd(features)
        rank = int((singular > 1e-12 * singular[0]).sum())
        return cls(features, np.array(owner), np.concatenate(target), left[:, rank:])

    @property
    def goal(self) -> Array:
        """The right side (p, d) of the equations for the neurons: what affine maps cannot produce."""
        goal: Array = self.free.T @ self.target
        return goal

    def columns(self, above: Sides, neurons: Array) -> Array:
        """The columns (K, p) of the equations for neurons (w, b) (K, d + 1) with active sets above (K, N)."""
        return self.on_clusters(above, neurons) @ self.free

    def on_clusters(self, above: Sides, neurons: Array) -> Array:
        """The features (K, q) of neurons (K, d + 1) on the clusters above (K, N) where they are active."""
        rows: Array = above[:, self.owner] * (neurons @ self.features.T)
        return rows

    def pulls(self, sets: Sides, multipliers: Array) -> Array:
        """G_S (R, d + 1, d) for active sets (R, N): multipliers (p, d) ask |(w, b) G_S| of a neuron (w, b)."""
        dual = self.free @ multipliers
        each = np.stack([self.features[self.owner == n].T @ dual[self.owner == n] for n in range(sets.shape[1])])
        return np.tensordot(sets.astype(float), each, 1)

    def affine(self, above: Sides, neurons: Array, outer: Array) -> Array:
        """The affine part (d + 1, d), V^T above c, that completes neurons with outer weights, outer (K, d)."""
        rest = self.target - self.on_clusters(above, neurons).T @ outer
        completed: Array = np.linalg.pinv(self.features) @ rest
        return completed
