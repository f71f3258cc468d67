"""Covers faces and bodies: chooses the pixels, and draws what hides them.

A box is four floats, left, top, right and bottom in pixels, and may reach
beyond the frame.
"""

import numpy as np

CUT_SIDE = 192  # pixels; the longer side of frames from which bodies are cut
CORE = 0.5  # share of a box's sides; the ellipse of this size is all body
LEAST_BACKGROUND = 0.05  # share of a frame that must lie outside all boxes


def enlarged(boxes, margin):
    """Enlarges each of the boxes `(n, 4)` by `margin` of its size per side."""
    sizes = np.tile(boxes[:, 2:] - boxes[:, :2], 2)
    return boxes + margin * sizes * [-1, -1, 1, 1]


def box(frame, boxes):
    """Returns the mask of all pixels that a box touches.

    Args:
        frame: uint8 `(height, width, 3)`, RGB.
        boxes: Float array `(n, 4)`.

    Returns:
        Bool array `(height, width)`.
    """
    mask = np.zeros(frame.shape[:2], bool)
    for each in boxes:
        mask[_pixels(each, frame)] = True
    return mask


def _pixels(box, frame):
    """Returns the slices of the rows and columns that a box touches."""
    height, width = frame.shape[:2]
    left, top = np.floor(box[:2]).astype(int)
    right, bottom = np.ceil(box[2:]).astype(int)
    return (
        slice(np.clip(top, 0, height), np.clip(bottom, 0, height)),
        slice(np.clip(left, 0, width), np.clip(right, 0, width)),
    )


def ellipse(frame, boxes):
    """Returns the mask of the ellipses inside the boxes; see `box`."""
    mask = np.zeros(frame.shape[:2], bool)
    for each in boxes:
        _fill_ellipse(mask, each, 1.0, True)
    return mask


def _fill_ellipse(picture, box, share, value):
    """Sets the pixels of an ellipse whose axes are `share` of a box's sides."""
    y, x = np.ogrid[: picture.shape[0], : picture.shape[1]]
    centre = (box[:2] + box[2:]) / 2
    radii = np.maximum(share * (box[2:] - box[:2]) / 2, 1e-9)
    across = ((x + 0.5 - centre[0]) / radii[0]) ** 2
    down = ((y + 0.5 - centre[1]) / radii[1]) ** 2
    picture[across + down <= 1] = value


def silhouette(frame, boxes):
    """Returns the mask of the bodies inside boxes, cut out by GrabCut; see
    `box`.

    Everything outside all boxes is background. The core of each box is a body,
    and so is the rest of a box unless it looks like the background. If almost
    nothing is outside, bodies cannot be distinguished and the boxes are the
    mask.
    """
    import cv2

    if not len(boxes):
        return box(frame, boxes)
    height, width = frame.shape[:2]
    scale = min(1, CUT_SIDE / max(height, width))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    small = cv2.resize(frame, size, interpolation=cv2.INTER_AREA)
    shrunk = np.tile([size[0] / width, size[1] / height], 2)
    bodies = _cut_out(small, boxes * shrunk) * np.uint8(255)
    return (cv2.resize(bodies, (width, height)) > 0) & box(frame, boxes)


def _cut_out(frame, boxes):
    import cv2

    inside = box(frame, boxes)
    if not 0 < inside.mean() < 1 - LEAST_BACKGROUND:
        return inside
    labels = np.where(inside, cv2.GC_PR_FGD, cv2.GC_BGD).astype("uint8")
    for each in boxes:
        _fill_ellipse(labels, each, CORE, cv2.GC_FGD)
    cv2.setRNGSeed(0)  # equal frames are cut out equally
    cv2.grabCut(
        np.ascontiguousarray(frame),
        labels,
        None,
        None,
        None,
        iterCount=2,
        mode=cv2.GC_INIT_WITH_MASK,
    )
    bodies = (labels == cv2.GC_FGD) | (labels == cv2.GC_PR_FGD)
    return cv2.dilate(bodies.astype("uint8"), np.ones((3, 3), "uint8")) > 0


def black(frame, boxes):
    """Returns a black picture of the frame's shape."""
    return np.zeros_like(frame)


def blur(frame, boxes, strength=0.2):
    """Returns the frame with each box blurred.

    Args:
        frame, boxes: See `box`.
        strength: Positive float, the standard deviation of the Gaussian as a
            share of the shorter side of the box.
    """
    import cv2

    picture = frame.copy()
    # The strongest blur comes last, so it prevails where boxes overlap.
    for each in sorted(boxes, key=_shorter_side):
        pixels = _pixels(each, frame)
        if frame[pixels].size:
            sigma = max(1.0, strength * _shorter_side(each))
            # For 8-bit pixels, OpenCV truncates the Gaussian so early that a
            # hundredth of the finest detail remains.
            exact = frame[pixels].astype("float32")
            picture[pixels] = cv2.GaussianBlur(exact, (0, 0), sigma).round()
    return picture


def mosaic(frame, boxes, side):
    """Returns the frame as squares, each of the average colour of its pixels.

    Args:
        frame, boxes: See `box`.
        side: Int, pixels.
    """
    import cv2

    height, width = frame.shape[:2]
    margin = (0, -height % side, 0, -width % side)
    whole = cv2.copyMakeBorder(frame, *margin, cv2.BORDER_REPLICATE)
    size = (whole.shape[1] // side, whole.shape[0] // side)
    squares = cv2.resize(whole, size, interpolation=cv2.INTER_AREA)
    large = squares.repeat(side, axis=0).repeat(side, axis=1)
    return large[:height, :width]


def _shorter_side(box):
    return min(box[2:] - box[:2])
