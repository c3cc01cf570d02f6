"""Fine-tuning: freeze a backbone, replace its head, train only what is new."""

import torch
from torch import nn, optim

torch.manual_seed(11)


class Backbone(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(4, 6), nn.BatchNorm1d(6), nn.ReLU())
        self.head = nn.Linear(6, 10)

    def forward(self, x):
        return self.head(self.body(x))


model = Backbone()
for parameter in model.parameters():
    parameter.requires_grad = False
old_head = model.head.weight
model.head = nn.Linear(6, 2)
weight = model.head.weight
trainable = [name for name, p in model.named_parameters() if p.requires_grad]
print(trainable)
optimizer = optim.SGD((p for p in model.parameters() if p.requires_grad), lr=0.1, momentum=0.9)
model.body.eval()
before = model.body[0].weight.clone()
points, labels = torch.randn(8, 4), torch.tensor([0, 1] * 4)
features = model.body(points)
output = model.head(features)
loss = nn.functional.cross_entropy(output, labels)
loss.backward()
model.body[0].weight.grad, tuple(weight.grad.shape)
optimizer.step()
torch.equal(before, model.body[0].weight)
weight.grad.norm() > 0
mean = model.body[1].running_mean
model.train()
unused = model(points)
mean
model.requires_grad = False
loss = model(points).sum()
sum(p.numel() for p in model.parameters() if p.requires_grad)
