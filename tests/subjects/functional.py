"""From scores to answers: softmax, argmax, max, one-hot labels, counting correct answers."""

import torch
import torch.nn.functional as F

logits = torch.tensor([[2.0, 0.5, -1.0], [0.1, 0.2, 3.0], [1.0, 1.0, 0.0], [-2.0, 5.0, 5.5]])
chances = F.softmax(logits, dim=1)
chances.sum(dim=1)
by_column = logits.softmax(0)
logs = F.log_softmax(logits, dim=1)
naive = torch.tensor([1000.0, 0.0]).exp()
naive = naive / naive.sum()
naive

anywhere = logits.argmax()
guesses = logits.argmax(dim=1)
top, place = logits.max(1)
both = torch.max(logits, 0)
both.values, both.indices
both
labels = torch.tensor([0, 2, 1, 1])
matches = guesses == labels
n_correct = matches.sum().item()
n_correct
accuracy = matches.float().mean()
print(f"{accuracy.item():.2f}")

coded = F.one_hot(labels)
fixed = F.one_hot(labels, num_classes=5).float()
chosen = (fixed[:, :3] * logs).sum(1)
loss = -chosen.mean()
reference = F.cross_entropy(logits, labels)
torch.allclose(loss, reference)
noisy = F.dropout(logits, p=0.5, training=False)
noisy is logits
F.softmax(logits)
ranked, order = logits.sort(dim=1, descending=True)
best = logits.topk(2).indices
F.one_hot(torch.tensor([0.0, 1.0]))
