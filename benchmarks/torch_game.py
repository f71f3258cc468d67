"""The entropy game with one budget model in eager PyTorch, for comparison."""

import os

import torch
import torch_networks as networks
from torch.nn import functional


class Entropy:
    """Algorithm 3 on one batch, with gates that never open.

    Args:
        batch: Dict of arrays: `clips` `(batch, frames, height, width, 3)`,
            `actions` and `budget_labels`.
        classes: Int, number of classes of each label.
        gamma: Float.
        updates: Int, updates in each gated loop.
        bfloat16: Bool, whether to use PyTorch's automatic bfloat16.
    """

    def __init__(self, batch, classes, *, gamma, updates, bfloat16):
        networks.check_sizes()
        torch.set_num_threads(os.cpu_count())
        self.gamma, self.updates, self.bfloat16 = gamma, updates, bfloat16
        self.anonymizer = networks.Anonymizer()
        self.target = networks.c3d(classes)
        self.budget = networks.MobileNetV2(classes)
        clips = torch.from_numpy(batch["clips"]).permute(0, 1, 4, 2, 3)
        self.clips = clips.contiguous()
        self.actions = torch.from_numpy(batch["actions"])
        self.labels = torch.from_numpy(batch["budget_labels"])
        both = [*self.anonymizer.parameters(), *self.target.parameters()]
        self.optimizer = torch.optim.Adam(self.anonymizer.parameters(), 1e-4)
        self.target_optimizer = torch.optim.Adam(both, 1e-5)
        self.budget_optimizer = torch.optim.Adam(self.budget.parameters(), 1e-2)

    # The three parts of a turn.

    def update_anonymizer(self):
        self.train(self.anonymizer)
        self.descend(self.optimizer, self.cost)

    def train_target(self):
        self.loop(
            self.target_optimizer,
            (self.anonymizer, self.target),
            lambda: self.actions_of(self.anonymized()),
            self.actions,
        )

    def train_budget(self):
        def logits():
            with torch.no_grad():
                anonymized = self.anonymized()
            return self.labels_of(anonymized)

        self.loop(self.budget_optimizer, (self.budget,), logits, self.labels)

    # What these parts do.

    def loop(self, optimizer, moving, logits, labels):
        self.check(logits, labels)
        for _ in range(self.updates):
            self.train(*moving)
            self.descend(
                optimizer, lambda: functional.cross_entropy(logits(), labels)
            )
            self.check(logits, labels)

    def train(self, *moving):
        for network in (self.anonymizer, self.target, self.budget):
            network.train(network in moving)
            network.requires_grad_(network in moving)

    def descend(self, optimizer, loss_fn):
        optimizer.zero_grad()
        with self.autocast():
            loss = loss_fn()
        loss.backward()
        optimizer.step()

    def check(self, logits, labels):
        self.train()
        with torch.no_grad(), self.autocast():
            hits = logits().argmax(1) == labels
        return hits.float().mean().item()

    def autocast(self):
        return torch.autocast("cpu", torch.bfloat16, self.bfloat16)

    def cost(self):
        anonymized = self.anonymized()
        log_p = functional.log_softmax(self.labels_of(anonymized), 1)
        entropy = -(log_p.exp() * log_p).sum(1).mean()
        loss = functional.cross_entropy(
            self.actions_of(anonymized), self.actions
        )
        return loss - self.gamma * entropy

    def anonymized(self):
        frames = self.clips.flatten(0, 1)
        return self.anonymizer(frames).reshape(self.clips.shape)

    def actions_of(self, anonymized):
        return self.target(anonymized.transpose(1, 2)).float()

    def labels_of(self, anonymized):
        logits = self.budget(anonymized.flatten(0, 1)).float()
        return logits.reshape(*anonymized.shape[:2], -1).mean(1)
