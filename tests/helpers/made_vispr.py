"""Pictures and annotations in the format of VISPR."""

import json

from made_videos import gray


def annotate(root, folder, number, labels):
    path = root / "annotations" / folder / f"2017_{number}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    image = f"{folder}/2017_{number}.jpg"
    content = {"id": f"2017_{number}", "image_path": image, "labels": labels}
    path.write_text(json.dumps(content))
    return root / image


def write_image(root, folder, number, labels, height=48, width=64):
    import cv2

    path = annotate(root, folder, number, labels)
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), gray(0, height, width)[..., ::-1])
