"""Whether flows come back to a point after a kick: what an attractor does, without its Jacobian."""

import torch


def comes_back(denoise, points, kick, seed, directions=8):
    """Which points (P, d) the flow dy/dr = h(y) - y is nearer to at r = 200 than after a kick, of all: (P,)."""
    generator = torch.Generator().manual_seed(seed)
    normal = torch.randn(len(points), directions, points.shape[1], generator=generator, dtype=torch.float64)
    start = points[:, None] + kick * torch.nn.functional.normalize(normal, dim=-1)
    state = start.flatten(0, 1)
    for _ in range(2000):
        state = state + 0.1 * (denoise(state) - state)
    away = (state.view_as(start) - points[:, None]).norm(dim=-1)
    return (away < kick).all(-1)
