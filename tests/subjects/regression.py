"""Linear regression: the loop of zero_grad, forward, loss, backward, step."""

import torch
from torch import nn

torch.manual_seed(0)
x = torch.linspace(-1, 1, 16).unsqueeze(1)
y = 3 * x - 0.5 + 0.01 * torch.randn_like(x)
model = nn.Linear(1, 1)
criterion = nn.MSELoss()
optimizer = torch.optim.SGD(model.parameters(), lr=0.3)
first = criterion(model(x), y).item()
losses = []
for _epoch in range(40):
    optimizer.zero_grad()
    predicted = model(x)
    loss = criterion(predicted, y)
    loss.backward()
    optimizer.step()
    losses.append(loss.item())
print(f"{first:.3f} -> {losses[-1]:.5f}")
slope, intercept = model.weight, model.bias
abs(slope.item() - 3) < 0.05, abs(intercept.item() + 0.5) < 0.05

w = torch.zeros(1, requires_grad=True)
for _ in range(5):
    error = (x[:, 0] * w - y[:, 0]).square().mean()
    error.backward()
    with torch.no_grad():
        w -= 0.5 * w.grad
    w.grad = None
w.is_leaf
adam = torch.optim.Adam([w], lr=0.01)
(w * 2).sum().backward()
adam.step()
moment = adam.state[w]["exp_avg"]
schedule = torch.optim.lr_scheduler.StepLR(optimizer, step_size=1, gamma=0.1)
schedule.step()
schedule.get_last_lr()
model.zero_grad(set_to_none=False)
slope.grad
torch.optim.SGD([w * 2], lr=0.1)
