"""The Deep Alignment Network's connection in plain PyTorch, point by point, to compare our layers with.

Written from the article's formulas, for one face at a time, without any of the project's code.
"""

import torch


def fit(points: torch.Tensor, shape: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """A (2, 2) and t (2) of the least squares points A + t = shape, by the normal equations.

    The unknowns are a, b, tx, ty of x' = a x - b y + tx and y' = b x + a y + ty.
    """
    rows, wanted = [], []
    for (x, y), (to_x, to_y) in zip(points, shape, strict=True):
        one, zero = torch.ones_like(x), torch.zeros_like(x)
        rows += [torch.stack((x, -y, one, zero)), torch.stack((y, x, zero, one))]
        wanted += [to_x, to_y]
    matrix = torch.stack(rows)
    a, b, tx, ty = torch.linalg.solve(matrix.T @ matrix, matrix.T @ torch.stack(wanted))
    return torch.stack((torch.stack((a, b)), torch.stack((-b, a)))), torch.stack((tx, ty))


def warp(picture: torch.Tensor, turn: torch.Tensor, shift: torch.Tensor) -> torch.Tensor:
    """A picture (channels, h, w) moved by p A + t: four neighbours a pixel, clamped to the edge."""
    _, height, width = picture.shape
    down, across = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    places = (torch.stack((across, down), -1).to(picture) - shift) @ torch.linalg.inv(turn)
    x, y = places[..., 0].clamp(0, width - 1), places[..., 1].clamp(0, height - 1)
    left, top = x.detach().floor().long(), y.detach().floor().long()
    right, below = (left + 1).clamp(max=width - 1), (top + 1).clamp(max=height - 1)
    u, v = x - left, y - top
    upper = picture[:, top, left] * (1 - u) + picture[:, top, right] * u
    lower = picture[:, below, left] * (1 - u) + picture[:, below, right] * u
    return upper * (1 - v) + lower * v


def heat_map(
    points: torch.Tensor, height: int, width: int, half: int = 8, last: int = 8, clamp: bool = True
) -> torch.Tensor:
    """The map (h, w) of points (n, 2): the largest of what each point gives, pixel by pixel."""
    rows = []
    for row in range(height):
        for column in range(width):
            values = [torch.zeros((), dtype=points.dtype)]
            for x, y in points:
                if clamp:
                    x, y = x.clamp(half, width - 1 - half), y.clamp(half, height - 1 - half)
                from_x = column - torch.floor(x.detach())
                from_y = row - torch.floor(y.detach())
                if half and not (-half <= from_x <= last and -half <= from_y <= last):
                    continue
                distance = ((x - column) ** 2 + (y - row) ** 2).clamp(min=1e-12).sqrt()
                values.append(1 / (1 + distance))
            rows.append(torch.stack(values).max())
    return torch.stack(rows).reshape(height, width)
