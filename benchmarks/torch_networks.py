"""The three parties in PyTorch, for `train_step.py`: the same layers."""

import torch
from torch import nn


class Residual(nn.Module):
    def __init__(self, *layers):
        super().__init__()
        self.layers = nn.Sequential(*layers)

    def forward(self, x):
        return x + self.layers(x)


class Anonymizer(nn.Module):
    """f_A: frames `(batch, 3, height, width)` in [0, 1] to the same."""

    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(
            *_normalized(nn.Conv2d(3, 32, 9, 1, 4, bias=False)),
            nn.ReLU(),
            *_normalized(nn.Conv2d(32, 64, 3, 2, 1, bias=False)),
            nn.ReLU(),
            *_normalized(nn.Conv2d(64, 128, 3, 2, 1, bias=False)),
            nn.ReLU(),
            *(
                Residual(
                    *_normalized(nn.Conv2d(128, 128, 3, 1, 1, bias=False)),
                    nn.ReLU(),
                    *_normalized(nn.Conv2d(128, 128, 3, 1, 1, bias=False)),
                )
                for _ in range(5)
            ),
            *_normalized(nn.ConvTranspose2d(128, 64, 3, 2, 1, 1, bias=False)),
            nn.ReLU(),
            *_normalized(nn.ConvTranspose2d(64, 32, 3, 2, 1, 1, bias=False)),
            nn.ReLU(),
            *_normalized(nn.Conv2d(32, 3, 9, 1, 4, bias=False)),
            nn.Tanh(),
        )

    def forward(self, frames):
        return self.layers(frames) * 0.5 + 0.5


def _normalized(convolution):
    channels = convolution.out_channels
    return convolution, nn.InstanceNorm2d(channels, 1e-3, affine=True)


def c3d(num_classes):
    """f_T: clips `(batch, 3, frames, 112, 112)` to logits."""
    layers, channels = [], 3
    blocks = ((64,), (128,), (256, 256), (512, 512), (512, 512))
    for i, block in enumerate(blocks):
        for filters in block:
            layers += [nn.Conv3d(channels, filters, 3, 1, 1), nn.ReLU()]
            channels = filters
        size = (1, 2, 2) if i == 0 else 2
        layers.append(nn.MaxPool3d(size, ceil_mode=True))
    layers += [nn.Flatten(), nn.Linear(8192, 4096), nn.ReLU(), nn.Dropout()]
    layers += [nn.Linear(4096, 4096), nn.ReLU(), nn.Dropout()]
    return nn.Sequential(*layers, nn.Linear(4096, num_classes))


class MobileNetV2(nn.Module):
    """f_B: frames `(batch, 3, height, width)` to logits."""

    # Expansion, channels, blocks and first stride: Table 2 of the MobileNetV2
    # paper.
    BLOCKS = (
        (1, 16, 1, 1),
        (6, 24, 2, 2),
        (6, 32, 3, 2),
        (6, 64, 4, 2),
        (6, 96, 3, 1),
        (6, 160, 3, 2),
        (6, 320, 1, 1),
    )

    def __init__(self, num_classes):
        super().__init__()
        layers, channels = list(_batch_normalized(3, 32, 3, 2)), 32
        for expansion, filters, count, stride in self.BLOCKS:
            for i in range(count):
                first = stride if i == 0 else 1
                layers.append(_inverted(channels, filters, expansion, first))
                channels = filters
        layers += _batch_normalized(channels, 1280, 1)
        layers += [nn.AdaptiveAvgPool2d(1), nn.Flatten()]
        self.layers = nn.Sequential(*layers, nn.Linear(1280, num_classes))

    def forward(self, frames):
        return self.layers(frames * 2 - 1)


def _inverted(channels, filters, expansion, stride):
    hidden = channels * expansion
    layers = _batch_normalized(channels, hidden, 1) if expansion > 1 else ()
    block = (
        *layers,
        *_batch_normalized(hidden, hidden, 3, stride, hidden),
        nn.Conv2d(hidden, filters, 1, bias=False),
        nn.BatchNorm2d(filters),
    )
    same = stride == 1 and channels == filters
    return Residual(*block) if same else nn.Sequential(*block)


def _batch_normalized(channels, filters, size, stride=1, groups=1):
    return (
        nn.Conv2d(
            channels, filters, size, stride, size // 2, 1, groups, bias=False
        ),
        nn.BatchNorm2d(filters),
        nn.ReLU6(),
    )


def check_sizes():
    """Raises unless the parties have as many parameters as ours."""
    expected = {
        Anonymizer(): 1_677_638,
        c3d(8): 78_028_552,
        MobileNetV2(8): 2_234_120,
    }
    for network, count in expected.items():
        found = sum(map(torch.numel, network.parameters()))
        if found != count:
            raise RuntimeError(
                f"{type(network).__name__} has {found} parameters, not {count}."
            )
