"""Names of the simple rules that can take the place of f_A."""

COVERS = tuple(
    f"{part}_{region}_{look}"
    for part in ("face", "body")
    for region in ("box", "segmentation")
    for look in ("black", "blur")
)
BASELINES = (
    *(f"downsample_{factor}" for factor in (1, 2, 4, 8, 16)),
    *COVERS,
)
