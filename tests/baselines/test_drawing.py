import cv2
import numpy as np
import pytest

from priv_keras.baselines import drawing

BOX = np.array([[10.4, 5.0, 30.0, 44.2]])


def noise(height=50, width=60, seed=0):
    rng = np.random.default_rng(seed)
    return rng.integers(0, 256, (height, width, 3), "uint8")


def cover(frame, boxes, region, look):
    mask = region(frame, boxes)
    return np.where(mask[..., None], look(frame, boxes), frame), mask


def test_a_box_is_enlarged_by_its_own_size():
    found = drawing.enlarged(np.array([[10.0, 20.0, 20.0, 60.0]]), 0.25)
    np.testing.assert_array_equal(found, [[7.5, 10.0, 22.5, 70.0]])


def test_every_pixel_that_a_box_touches_is_covered():
    mask = drawing.box(noise(), BOX)
    rows, columns = np.where(mask)
    assert (rows.min(), rows.max()) == (5, 44)
    assert (columns.min(), columns.max()) == (10, 29)
    assert mask.sum() == 40 * 20


@pytest.mark.parametrize(
    ("box", "count"),
    [
        ([-5, -5, 5, 5], 25),
        ([55, 45, 99, 99], 25),
        ([-9, -9, 99, 99], 3000),
        ([-9, 5, -1, 9], 0),
        ([99, 5, 120, 9], 0),
    ],
)
def test_a_box_beyond_the_frame_is_cut_at_its_edge(box, count):
    boxes = np.array([box], float)
    assert drawing.box(noise(), boxes).sum() == count
    for look in (drawing.black, drawing.blur):
        assert look(noise(), boxes).shape == (50, 60, 3)
    assert drawing.silhouette(noise(), boxes).sum() <= count


def test_an_ellipse_holds_the_face_that_a_margin_was_put_around():
    face = np.array([[20.0, 10.0, 30.0, 24.0]])
    mask = drawing.ellipse(noise(), drawing.enlarged(face, 0.25))
    assert mask[drawing.box(noise(), face)].all()
    assert mask.sum() < drawing.box(noise(), drawing.enlarged(face, 0.25)).sum()


def test_black_leaves_nothing_inside_and_all_outside():
    frame = noise()
    found, mask = cover(frame, BOX, drawing.box, drawing.black)
    assert not found[mask].any()
    np.testing.assert_array_equal(found[~mask], frame[~mask])


def test_blur_leaves_no_detail_inside_and_all_outside():
    frame = noise()
    found, mask = cover(frame, BOX, drawing.box, drawing.blur)
    np.testing.assert_array_equal(found[~mask], frame[~mask])
    inside = found[5:45, 10:30].astype(float)
    assert frame[5:45, 10:30].std() > 70
    for axis in (0, 1):  # neighbours are almost equal
        assert np.abs(np.diff(inside, axis=axis)).max() <= 5
    # Stripes of any phase become the same grey.
    stripes = np.zeros((50, 60, 3), "uint8")
    stripes[:, ::2] = 200
    ones, _ = cover(stripes, BOX, drawing.box, drawing.blur)
    others, _ = cover(
        np.roll(stripes, 1, axis=1), BOX, drawing.box, drawing.blur
    )
    gap = ones[5:45, 12:28].astype(int) - others[5:45, 12:28]
    assert np.abs(gap).max() <= 2


def test_where_boxes_overlap_the_stronger_blur_counts():
    frame = noise()
    large, small = [0.0, 0, 60, 50], [20.0, 20, 26, 26]
    for boxes in ([large, small], [small, large]):
        found = drawing.blur(frame, np.array(boxes))
        alone = drawing.blur(frame, np.array([large]))
        gap = found[20:26, 20:26].astype(int) - alone[20:26, 20:26]
        assert np.abs(gap).max() <= 2


def person(height=120, width=160):
    """Returns a picture of a figure on grass, its box, and its mask."""
    rng = np.random.default_rng(0)
    frame = rng.normal((70, 110, 60), 12, (height, width, 3))
    body = np.zeros((height, width), "uint8")
    cv2.circle(body, (80, 30), 9, 1, -1)
    cv2.rectangle(body, (70, 40), (90, 75), 1, -1)
    cv2.line(body, (74, 75), (62, 108), 1, 8)
    cv2.line(body, (86, 75), (98, 108), 1, 8)
    body = body > 0
    frame[body] = rng.normal((190, 40, 50), 12, (body.sum(), 3))
    frame[:42][body[:42]] = (210, 170, 150)
    box = np.array([[56.0, 18, 104, 114]])
    return frame.clip(0, 255).astype("uint8"), box, body


@pytest.mark.parametrize("scale", [1, 4])
def test_a_silhouette_is_inside_its_box_and_covers_the_person(scale):
    frame, box, body = person()
    frame = frame.repeat(scale, axis=0).repeat(scale, axis=1)
    body = body.repeat(scale, axis=0).repeat(scale, axis=1)
    mask = drawing.silhouette(frame, box * scale)
    inside = drawing.box(frame, box * scale)
    assert not mask[~inside].any()
    assert mask[body].mean() > 0.99
    assert mask.sum() < 0.8 * inside.sum()
    again = drawing.silhouette(frame, box * scale)
    np.testing.assert_array_equal(mask, again)


def test_a_silhouette_of_two_takes_neither_for_background():
    frame, box, body = person()
    boxes = np.concatenate([box, box + [10, 0, 10, 0]])
    assert drawing.silhouette(frame, boxes)[body].mean() > 0.99


def test_where_nothing_is_background_the_box_is_covered():
    frame, _, _ = person()
    whole = np.array([[0.0, 0, 160, 120]])
    assert drawing.silhouette(frame, whole).all()


def test_a_body_of_the_backgrounds_colour_is_covered_at_its_core():
    flat = np.full((60, 60, 3), 90, "uint8")
    mask = drawing.silhouette(flat, np.array([[20.0, 10, 40, 50]]))
    core = drawing.ellipse(flat, np.array([[25.0, 20, 35, 40]]))
    assert mask[core].all()


@pytest.mark.parametrize(
    "region", [drawing.box, drawing.ellipse, drawing.silhouette]
)
def test_no_box_covers_nothing(region):
    assert not region(noise(), np.empty((0, 4))).any()
