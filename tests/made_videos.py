"""Small videos in the layouts of the originals."""

import numpy as np


def gray(frame, height=24, width=32, level=0):
    """A frame whose every pixel tells its time and place; red is redder."""
    y, x = np.mgrid[:height, :width]
    pixels = np.repeat((level + 4 * frame + x + y)[..., None], 3, axis=-1)
    return np.clip(pixels + [40, 0, 0], 0, 255).astype("uint8")


def write_pngs(folder, count, level=0):
    import cv2

    folder.mkdir(parents=True)
    for i in range(count):
        bgr = gray(i, level=level)[..., ::-1]
        cv2.imwrite(str(folder / f"rgb_{i + 1:06d}.png"), bgr)


def write_avi(path, count, size=(64, 48)):
    import av

    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=25)
        stream.width, stream.height = size
        stream.pix_fmt = "yuv420p"
        for i in range(count):
            frame = av.VideoFrame.from_ndarray(gray(i, size[1], size[0]))
            container.mux(stream.encode(frame))
        container.mux(stream.encode())


def sbu_folder(root, sets=("s01s02", "s02s01", "s01s03"), takes=4, frames=20):
    """Two actions of each set, in SBU's layout."""
    for pair in sets:
        for action in (1, 3):
            for take in range(1, takes + 1):
                folder = root / pair / f"{action:02d}" / f"{take:03d}"
                write_pngs(folder, frames, level=10 * action)
    return root
