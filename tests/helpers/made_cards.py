"""Model cards."""


def card_of(name, width=0.25):
    return {
        "format": "savedmodel",
        "anonymizer": name,
        "arguments": {"width": width, "dtype_policy": "float32"},
        "turns": 1,
        "date": "",
        "trained_size": [40, 40],
        "psnr": None,
        "data": {},
        "versions": {},
        "flags": "",
        "figures": None,
    }
