"""Datasets: len and getitem, transforms composed without torchvision, subsets and splits."""

import torch
from torch.utils.data import ConcatDataset, Dataset, IterableDataset, Subset, TensorDataset, random_split


class Compose:
    def __init__(self, *transforms):
        self.transforms = transforms

    def __call__(self, value):
        for transform in self.transforms:
            value = transform(value)
        return value


class Scale:
    def __init__(self, factor):
        self.factor = factor

    def __call__(self, value):
        return value * self.factor


class Flowers(Dataset):
    """Petal length and width, and a species."""

    def __init__(self, transform=None):
        self.table = [[1.4, 0.2, 0], [4.7, 1.4, 1], [6.0, 2.5, 2], [5.1, 1.9, 2], [1.3, 0.3, 0]]
        self.transform = transform

    def __len__(self):
        return len(self.table)

    def __getitem__(self, index):
        *petal, species = self.table[index]
        features = torch.tensor(petal, dtype=torch.float32)
        if self.transform is not None:
            features = self.transform(features)
        return features, torch.tensor(species, dtype=torch.long)


class Countdown(IterableDataset):
    def __iter__(self):
        return iter(range(3, 0, -1))


flowers = Flowers(Compose(Scale(10), torch.round))
len(flowers)
features, species = flowers[1]
features
rows = torch.arange(8.0).view(4, 2)
pairs = TensorDataset(rows, torch.arange(4))
item, label = pairs[2]
item.mul_(-1)
rows
torch.manual_seed(1)
train, test = random_split(flowers, [3, 2])
print(sorted(train.indices + test.indices), list(Countdown()))
small = Subset(pairs, [0, 3])
joined = ConcatDataset([small, pairs])
len(joined)
one, _ = joined[1]
flowers[5]
