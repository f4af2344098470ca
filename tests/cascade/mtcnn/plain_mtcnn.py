"""MTCNN once more, in plain NumPy and PyTorch, as facenet-pytorch computes it: what tests compare with.

Written from the steps and constants in the published code's description: corners x1, y1, x2, y2 count
pixels from 1, arithmetic is float32. The nets are Caffe's, which see x and y exchanged.
"""

import numpy as np
import torch
from torch.nn import functional

from .random_weights import caffe_forward


def scales(rows, columns, least, factor):
    scale, shorter, found = 12 / least, min(rows, columns) * 12 / least, []
    while shorter >= 12:
        found.append(scale)
        scale, shorter = scale * factor, shorter * factor
    return found


def resized(planes, rows, columns):
    """(1, 3, H, W) by means of whole pixels, in the nets' range."""
    return (functional.adaptive_avg_pool2d(planes, (rows, columns)) - 127.5) / 128


def answers(name, arrays, upright):
    """Probabilities of a face, offsets and points of a net for an upright input."""
    logits, boxes, *points = caffe_forward(name, arrays, upright.transpose(2, 3))
    if logits.ndim == 4:
        logits, boxes = logits.transpose(2, 3), boxes.transpose(2, 3)
    return [one.numpy() for one in (logits.softmax(1)[:, 1], boxes, *points)]


def nms(boxes, scores, most, extra=0.0, minimum=False):
    """Indices of boxes that stay, the best first."""
    order, kept = np.argsort(scores, kind="stable")[::-1], []
    sides = boxes[:, 2:] - boxes[:, :2] + np.float32(extra)
    area = sides[:, 0] * sides[:, 1]
    while len(order):
        first, rest = order[0], order[1:]
        kept.append(first)
        start = np.maximum(boxes[first, :2], boxes[rest, :2])
        stop = np.minimum(boxes[first, 2:], boxes[rest, 2:])
        inside = np.maximum(0, stop - start + np.float32(extra)).prod(1)
        other = np.minimum(area[first], area[rest]) if minimum else area[first] + area[rest] - inside
        order = rest[inside / other <= most]
    return np.array(kept, int)


def first_stage(planes, arrays, least, threshold, factor):
    """Boxes (n, 9): corners, score, offsets."""
    rows, columns = planes.shape[2:]
    found = [np.zeros((0, 9), np.float32)]
    for scale in scales(rows, columns, least, factor):
        level = resized(planes, int(rows * scale + 1), int(columns * scale + 1))
        score, offsets = (one[0] for one in answers("pnet", arrays, level))
        y, x = np.nonzero(score >= np.float32(threshold))
        at = np.stack((x, y), 1).astype(np.float32) * 2
        start, stop = np.floor((at + 1) / np.float32(scale)), np.floor((at + 12) / np.float32(scale))
        boxes = np.concatenate((start, stop, score[y, x][:, None], offsets[:, y, x].T), 1)
        found.append(boxes[nms(boxes[:, :4], boxes[:, 4], 0.5)])
    boxes = np.concatenate(found)
    return boxes[nms(boxes[:, :4], boxes[:, 4], 0.7)]


def moved(boxes, offsets, extra):
    """Corners moved by parts of the sides."""
    sides = np.tile(boxes[:, 2:4] - boxes[:, :2] + np.float32(extra), 2)
    return boxes[:, :4] + offsets * sides


def squares(boxes):
    sides = boxes[:, 2:] - boxes[:, :2]
    longer = sides.max(1, keepdims=True)
    start = boxes[:, :2] + sides * np.float32(0.5) - longer * np.float32(0.5)
    return np.concatenate((start, start + longer), 1)


def crops(planes, boxes, size):
    """What is seen of squares, clipped to the picture."""
    rows, columns = planes.shape[2:]
    parts = []
    for x1, y1, x2, y2 in boxes:
        x, y = max(int(x1), 1), max(int(y1), 1)
        part = planes[:, :, y - 1 : min(int(y2), rows), x - 1 : min(int(x2), columns)]
        parts.append(resized(part, size, size))
    return torch.cat(parts)


def detect(image, nets, least=20, thresholds=(0.6, 0.7, 0.7), factor=0.709):
    """Boxes (n, 4), scores (n) and points (n, 5, 2) of H x W x 3 uint8 RGB, the highest score first.

    `nets` are the arrays of P-, R- and O-Net.
    """
    planes = torch.from_numpy(image.copy()).permute(2, 0, 1)[None].float()
    none = np.zeros((0, 4), np.float32), np.zeros(0, np.float32), np.zeros((0, 5, 2), np.float32)
    boxes = first_stage(planes, nets[0], least, thresholds[0], factor)
    if not len(boxes):
        return none
    boxes = squares(moved(boxes, boxes[:, 5:], 0))
    score, offsets = answers("rnet", nets[1], crops(planes, boxes, 24))
    enough = score > np.float32(thresholds[1])
    boxes, score, offsets = boxes[enough], score[enough], offsets[enough]
    kept = nms(boxes, score, 0.7)
    boxes = squares(moved(boxes[kept], offsets[kept], 1))
    if not len(boxes):
        return none
    score, offsets, points = answers("onet", nets[2], crops(planes, boxes, 48))
    enough = score > np.float32(thresholds[2])
    boxes, score, offsets, points = boxes[enough], score[enough], offsets[enough], points[enough]
    sides = (boxes[:, 2:] - boxes[:, :2] + 1)[:, None]
    points = points.reshape(-1, 2, 5).swapaxes(1, 2) * sides + boxes[:, None, :2] - 1
    boxes = moved(boxes, offsets, 1)
    kept = nms(boxes, score, 0.7, extra=1, minimum=True)
    return boxes[kept], score[kept], points[kept]
