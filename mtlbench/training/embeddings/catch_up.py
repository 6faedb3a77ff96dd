"""How far Adam's momentum moves a row that gets no gradient, in closed form.

Setting: D. Kingma and J. Ba, "Adam: a method for stochastic optimization", ICLR 2015,
https://arxiv.org/abs/1412.6980, as torch.optim.Adam computes it with weight decay 0. Let m and v be the two moments
of a weight after its last gradient, in step t. Without a gradient they only decay, to b1^j m and b2^j v after j more
steps, and step s = t + j moves the weight by

    -lr * b1^j m / (1 - b1^s) / (sqrt(b2^j v) / sqrt(1 - b2^s) + eps)  =  -lr * m * w_j / (sqrt(v) + eps * g_j),

    w_j = rho^j sqrt(1 - b2^s) / (1 - b1^s),    g_j = sqrt(1 - b2^s) / b2^(j/2),    rho = b1 / sqrt(b2) < 1.

Summed over all steps to come this is a *potential*, the drift that the weight still has before it:

    D(m, v, t) = sum_{j >= 1} m * w_j / (sqrt(v) + eps * g_j).

The sum after n missed steps is the same sum from there on, so the displacement missed in those n steps is exactly

    -lr * (D(m, v, t) - D(b1^n m, b2^n v, t + n)).

D without eps is m / sqrt(v) * F(t), F(t) = sum_j w_j. With eps, let W = sum_j w_j, G = sum_j w_j g_j / W, and

    u = sqrt(v) + eps * G,    q = eps * G / u  in (0, 1],
    D = m / u * R_t(q),       R_t(q) = sum_j w_j / (1 + q * (g_j / G - 1)).

g_j varies slowly over the momentum's horizon of about 1 / (1 - rho) steps, so R_t is smooth on [0, 1]: a polynomial of
degree 8 through its values at Chebyshev points is enough at any t, and its first few terms are enough after the first
thousand steps. Its coefficients depend on t alone and are constant once b2^t has vanished: they make one small table.
Error of D for b = (0.9, 0.999), as a multiple of |m| / sqrt(v), the worst over all v: 5e-8 at t = 1, 3e-9 at 10, 3e-13
at 100. It grows as b1^2 comes near b2, which lengthens the horizon (3e-6 at t = 1 for b = (0.95, 0.999)).
"""

import math
from collections.abc import Mapping

import torch
from torch import Tensor

from mtlbench.errors import UsageError

DEGREE = 8
"""Highest degree of the polynomial R_t."""
NEGLIGIBLE = 1e-17
"""Relative size below which a term of a float64 sum is left out."""
VANISHED = 1e-30
"""A decay factor below this counts as zero: denormal numbers would be slow, and no sum in float64 notices."""
CACHE_ELEMENTS = 1 << 16
"""Elements caught up at a time on a CPU, so that the temporaries stay in its cache."""


class CatchUp:
    """Moves rows to where dense Adam has them, after steps in which they got no gradient.

    Args:
        betas: decay rates of the moments, 0 <= betas[0] < sqrt(betas[1]) < 1.
        eps: Adam's eps, positive.
        like: a tensor of the device and dtype (float32 or float64) of the rows.

    Raises:
        UsageError: betas or eps are out of range.
    """

    def __init__(self, betas: tuple[float, float], eps: float, like: Tensor) -> None:
        beta1, beta2 = betas
        if not (0 <= beta1 < math.sqrt(beta2) < 1 and eps > 0):
            raise UsageError(
                f"Adam with betas {betas} and eps {eps}: the catch-up of unread rows needs "
                "0 <= beta1 < sqrt(beta2) < 1 and eps > 0, such as betas (0.9, 0.999) and eps 1e-8"
            )
        self.betas = betas
        self.eps = eps
        self._tolerance = torch.finfo(like.dtype).eps / 4
        self._horizon = math.log(self._tolerance) / math.log(beta1 / math.sqrt(beta2)) if beta1 > 0 else 1.0
        self._last_entry = math.ceil(math.log(NEGLIGIBLE) / math.log(beta2))
        self._table = like.new_empty(0, DEGREE + 2)
        self._degree: list[int] = []

    def advance(self, weight: Tensor, moment1: Tensor, moment2: Tensor, last: Tensor, now: int, lr: float) -> None:
        """Bring rows (U, d) and their moments in place from the end of step ``last`` (U,) to the end of step ``now``.

        Rows that never had a gradient (``last`` 0, zero moments) stay where they are, and so, bit for bit, do those
        with ``last == now``. On a CPU rows in order of ``last`` are cheapest: neighbours need the same few terms.
        """
        if len(weight) == 0:
            return
        self._extend(now)
        missed = (now - last).double().unsqueeze(1)
        decay1 = torch.exp(missed * math.log(self.betas[0])) if self.betas[0] > 0 else (missed == 0).double()
        root_decay2 = torch.exp(missed * (math.log(self.betas[1]) / 2))
        decays = torch.cat([decay1, root_decay2.square(), root_decay2], dim=1)
        decays = torch.where(decays < VANISHED, 0.0, decays).to(weight.dtype)
        then = self._table.index_select(0, last.clamp(max=self._last_entry))
        after = self._table[min(now, self._last_entry)].unsqueeze(0)
        on_cpu = weight.device.type == "cpu"
        size = max(1, CACHE_ELEMENTS // weight.shape[1] if on_cpu else len(weight))
        rows = (weight, moment1, moment2, last, then, decays)
        for w, m, v, since, entries, decay in zip(*(column.split(size) for column in rows), strict=True):
            latest, degree = now, DEGREE
            if on_cpu:
                earliest, latest = (int(bound) for bound in since.aminmax())
                if latest == 0 or earliest == now:
                    continue
                degree = self._degree[min(earliest, self._last_entry)]
            decay1, decay2, root_decay2 = decay.split(1, dim=1)
            root = v.sqrt()
            drift = _remaining(m, root, entries, degree)
            m.mul_(decay1)
            v.mul_(decay2)
            if now - latest < self._horizon:
                drift.sub_(_remaining(m, root.mul_(root_decay2), after, degree))
            w.sub_(drift, alpha=lr)

    def state_dict(self) -> dict[str, Tensor]:
        """The table as it has grown."""
        return {"table": self._table, "degree": torch.tensor(self._degree, dtype=torch.int64)}

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """Take back what :meth:`state_dict` gave."""
        self._table, self._degree = state["table"].to(self._table), state["degree"].tolist()

    def _extend(self, step: int) -> None:
        """Make the table reach ``step``, doubling it, so that short runs pay for little of it."""
        known, wanted = len(self._table), min(step, self._last_entry) + 1
        if wanted <= known:
            return
        end = min(max(wanted, 2 * known, 1024), self._last_entry + 1)
        for block in torch.arange(known, end, dtype=torch.float64).split(1024):
            offset, polynomial = _coefficients(block, self.betas, self.eps)
            power = torch.arange(1, DEGREE + 1, dtype=torch.float64)
            most = polynomial[:, 1:].abs() * power**power / (power + 1) ** (power + 1)  # of |c_k| q^k (1 - q)
            tail = most.flip(1).cumsum(1)
            self._degree += (tail > self._tolerance).sum(1).clamp(min=1).tolist()
            entries = torch.cat([offset, polynomial / offset], dim=1)
            self._table = torch.cat([self._table, entries.to(self._table)])


def _remaining(moment1: Tensor, root: Tensor, entries: Tensor, degree: int) -> Tensor:
    """D of moments (U, d), ``root`` being the second's square root, by the table's ``entries`` (U or 1, DEGREE + 2)."""
    offset, *terms = entries[:, : degree + 2].split(1, dim=1)
    q = offset / (root + offset)
    value = (q * terms[-1]).add_(terms[-2])
    for term in reversed(terms[:-2]):
        torch.addcmul(term, value, q, out=value)
    return value.mul_(q).mul_(moment1)


def _coefficients(step: Tensor, betas: tuple[float, float], eps: float) -> tuple[Tensor, Tensor]:
    """For each ``step`` t (T,): eps * G (T, 1) and the coefficients of R_t by rising power (T, DEGREE + 1)."""
    beta1, beta2 = betas
    rho = beta1 / math.sqrt(beta2)
    horizon = math.ceil(math.log(NEGLIGIBLE) / math.log(rho)) if rho > 0 else 1
    j = torch.arange(1, horizon + 1, dtype=torch.float64)
    correction = torch.sqrt(1 - torch.outer(beta2**step, beta2**j))
    weight = rho**j * correction / (1 - torch.outer(beta1**step, beta1**j))
    ratio = correction / beta2 ** (j / 2)
    mean = (weight * ratio).sum(1, keepdim=True) / weight.sum(1, keepdim=True) if rho > 0 else ratio
    ratio = ratio / mean - 1
    order = torch.arange(DEGREE + 1, dtype=torch.float64)
    points = 0.5 - 0.5 * torch.cos(math.pi * (order + 0.5) / (DEGREE + 1))
    values = torch.stack([(weight / (1 + point * ratio)).sum(1) for point in points.tolist()])
    return eps * mean, torch.linalg.solve(torch.linalg.vander(points), values).T
