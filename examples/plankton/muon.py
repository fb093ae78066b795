"""Muon: momentum whose matrices are made orthogonal, so that every direction of a weight learns at one speed."""
import torch


def orthogonal(matrices, steps=5):
    """The nearest matrices with singular values near 1: [n, rows, columns], rows <= columns."""
    x = matrices.bfloat16()
    x = x / (x.norm(dim=(-2, -1), keepdim=True) + 1e-7)
    for _ in range(steps):  # a quintic that pulls singular values to 1, fast rather than exactly
        gram = x @ x.mT
        x = 3.4445 * x + (-4.7750 * gram + 2.0315 * gram @ gram) @ x
    return x.float()


class Muon(torch.optim.Optimizer):
    """Of matrices, and of stacks of matrices."""

    def __init__(self, parameters, lr, momentum=0.95, weight_decay=0.0):
        super().__init__(parameters, {"lr": lr, "momentum": momentum, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            wide = {}  # what is of one shape goes through one product
            for p in group["params"]:
                mean = self.state[p].setdefault("mean", torch.zeros_like(p))
                mean.lerp_(p.grad, 1 - group["momentum"])
                update = p.grad.lerp(mean, group["momentum"])
                update = update if p.shape[-2] <= p.shape[-1] else update.mT
                update = update.reshape(-1, *update.shape[-2:])
                wide.setdefault(update.shape[1:], []).append((p, update))
            for members in wide.values():
                updates = orthogonal(torch.cat([update for _, update in members]))
                for (p, _), update in zip(members, updates.split([len(update) for _, update in members])):
                    scale = max(1.0, p.shape[-2] / p.shape[-1]) ** 0.5
                    update = (update if p.shape[-2] <= p.shape[-1] else update.mT).reshape(p.shape)
                    p.mul_(1 - group["lr"] * group["weight_decay"]).add_(update, alpha=-group["lr"] * scale)
