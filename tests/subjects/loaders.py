"""Loaders: batches, shuffling, samplers, collate_fn, drop_last, workers, pinned memory."""

import torch
from torch.utils.data import BatchSampler, DataLoader, Dataset, RandomSampler, Sampler, WeightedRandomSampler


class Words(Dataset):
    def __init__(self):
        self.words = [[1], [2, 2], [3, 3, 3], [4], [5, 5], [6, 6], [7, 7, 7]]

    def __len__(self):
        return len(self.words)

    def __getitem__(self, index):
        return torch.tensor(self.words[index]), index


class Backwards(Sampler):
    def __init__(self, data):
        self.data = data

    def __iter__(self):
        return iter(range(len(self.data) - 1, -1, -1))

    def __len__(self):
        return len(self.data)


def pad(batch):
    sequences = [words for words, _ in batch]
    return torch.nn.utils.rnn.pad_sequence(sequences, batch_first=True), torch.tensor([i for _, i in batch])


words = Words()
torch.manual_seed(5)
numbers = torch.arange(10.0)
for part in DataLoader(numbers, batch_size=4):
    print(len(part))
for part in DataLoader(numbers, batch_size=4, drop_last=True):
    print(len(part))
shuffled = next(iter(DataLoader(numbers, batch_size=10, shuffle=True)))
sorted(shuffled.tolist()) == numbers.tolist()
padded, where = next(iter(DataLoader(words, batch_size=3, collate_fn=pad)))
where
reverse = torch.cat(list(DataLoader(numbers, sampler=Backwards(numbers))))
grouped = list(DataLoader(words, batch_sampler=BatchSampler(Backwards(words), 3, False), collate_fn=pad))
last, order = grouped[-1]
balanced = WeightedRandomSampler([9.0, 1.0, 1.0], num_samples=50)
drawn = torch.tensor(list(balanced)).bincount(minlength=3)
int(drawn.sum()), len(RandomSampler(numbers, replacement=True, num_samples=3))
worked = [batch for batch, _ in DataLoader(words, batch_size=2, collate_fn=pad, num_workers=2)]
widest = worked[1]
pinned = next(iter(DataLoader(numbers, batch_size=2, pin_memory=True)))
DataLoader(numbers, sampler=Backwards(numbers), shuffle=True)
