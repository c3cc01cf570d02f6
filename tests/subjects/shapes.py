"""New shapes for old numbers: view, reshape, squeeze, unsqueeze, permute, expand."""

import torch

stack = torch.arange(24.0).view(2, 3, 4)
as_matrix = stack.view(6, 4)
guessed = stack.view(-1, 2)
reshaped = stack.reshape(4, 6)
turned = stack.transpose(1, 2)
must_copy = turned.reshape(2, 12)
may_view = turned.reshape(2, 2, 2, 3)
packed = turned.contiguous()
unchanged = stack.contiguous()
print(unchanged is stack, turned.is_contiguous(), packed.is_contiguous())

image = torch.rand(1, 3, 1, 2)
bare = image.squeeze()
batchless = image.squeeze(0)
kept = image.squeeze(1)
front = batchless.unsqueeze(0)
end = batchless.unsqueeze(-1)
bare.shape, kept.shape, front.shape, end.shape

channels_last = image.permute(0, 2, 3, 1)
wide = torch.tensor([[1.0], [2.0]]).expand(2, 3)
copies = torch.tensor([[1.0], [2.0]]).repeat(1, 3)
flat = stack.flatten()
raveled = turned.ravel()
windows = torch.arange(6).unfold(0, 3, 1)
diagonal = torch.eye(3).diagonal()
first, second = stack.unbind(0)
left, right = stack.chunk(2, dim=2)
joined = torch.cat([left, right], dim=2)
stacked = torch.stack([first, second])
torch.equal(joined, stacked)
turned.view(24)
