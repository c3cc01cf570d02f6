"""Correct programs about models and data: nothing in them is to be warned of."""

MODELS = {
    "recurrent": """
        class Tagger(nn.Module):
            def __init__(self):
                super().__init__()
                self.embed = nn.Embedding(20, 6, padding_idx=0)
                self.rnn = nn.LSTM(6, 8, batch_first=True)
                self.out = nn.Linear(8, 5)
            def forward(self, tokens):
                states, _ = self.rnn(self.embed(tokens))
                return self.out(states)
        model, tokens, tags = Tagger(), torch.randint(1, 20, (3, 7)), torch.randint(0, 5, (3, 7))
        optimizer = torch.optim.Adam(model.parameters())
        for _ in range(2):
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(tokens).reshape(-1, 5), tags.reshape(-1))
            loss.backward()
            optimizer.step()
    """,
    "attention with a mask": """
        import math
        q = k = v = torch.randn(2, 2, 5, 4, requires_grad=True)
        mask = torch.triu(torch.ones(5, 5, dtype=torch.bool), diagonal=1)
        scores = (q @ k.transpose(-2, -1) / math.sqrt(4)).masked_fill(mask, float("-inf"))
        out = (scores.softmax(dim=-1) @ v).sum()
        out.backward()
    """,
    "an encoder": """
        layer = nn.TransformerEncoderLayer(8, 2, dim_feedforward=16, batch_first=True)
        model = nn.TransformerEncoder(layer, 2)
        head = nn.Linear(8, 3)
        optimizer = torch.optim.AdamW([*model.parameters(), *head.parameters()])
        for _ in range(2):
            x, y = torch.randn(2, 5, 8), torch.randint(0, 3, (2,))
            loss = nn.functional.cross_entropy(head(model(x).mean(dim=1)), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    """,
    "positions": """
        import math
        position = torch.arange(10).unsqueeze(1)
        rate = torch.exp(torch.arange(0, 8, 2) * (-math.log(10000.0) / 8))
        table = torch.zeros(10, 8)
        table[:, 0::2] = torch.sin(position * rate)
        table[:, 1::2] = torch.cos(position * rate)
    """,
    "module lists and parameters": """
        class Net(nn.Module):
            def __init__(self, sizes):
                super().__init__()
                self.sizes = list(sizes)
                self.layers = nn.ModuleList([nn.Linear(a, b) for a, b in zip(sizes, sizes[1:])])
                self.gains = nn.ParameterList([nn.Parameter(torch.ones(b)) for b in sizes[1:]])
                self.acts = [torch.relu] * len(self.layers)
                self.register_buffer("mean", torch.zeros(sizes[0]))
            def forward(self, x):
                x = x - self.mean
                for layer, gain, act in zip(self.layers, self.gains, self.acts):
                    x = act(layer(x)) * gain
                return x
        net = Net([4, 6, 2])
        net(torch.randn(3, 4)).sum().backward()
    """,
    "layers by other names too": """
        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.first, self.last = nn.Linear(4, 4), nn.Linear(4, 2)
                self.order = [self.first, self.last]
            def forward(self, x):
                for layer in self.order:
                    x = layer(x)
                return x
        net = Net()
        optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
        net(torch.randn(2, 4)).mean().backward()
        optimizer.step()
    """,
    "variational": """
        enc, dec = nn.Linear(6, 4), nn.Linear(2, 6)
        optimizer = torch.optim.Adam([*enc.parameters(), *dec.parameters()])
        x = torch.rand(5, 6)
        for _ in range(2):
            mu, log_var = enc(x).chunk(2, dim=1)
            z = mu + torch.randn_like(mu) * (0.5 * log_var).exp()
            out = torch.sigmoid(dec(z))
            loss = nn.functional.binary_cross_entropy(out, x, reduction="sum")
            loss = loss - 0.5 * torch.sum(1 + log_var - mu.pow(2) - log_var.exp())
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    """,
    "samples of dropout on purpose": """
        model = nn.Sequential(nn.Linear(3, 8), nn.Dropout(0.5), nn.Linear(8, 1))
        model.eval()
        for layer in model:
            if isinstance(layer, nn.Dropout):
                layer.train()
        x = torch.randn(4, 3)
        with torch.no_grad():
            draws = torch.stack([model(x) for _ in range(10)])
        mean, spread = draws.mean(0), draws.std(0)
    """,
    "pairs and kernels": """
        a, b = torch.randn(5, 2), torch.randn(4, 2)
        squared = ((a[:, None] - b[None]) ** 2).sum(-1)
        kernel = torch.exp(-squared / 2).mean()
        t = torch.arange(6.)
        apart = (t.unsqueeze(0) - t.unsqueeze(1)).abs().mean()
        column = t.view(-1, 1)
        table = (column * t).sum()
        outer = torch.outer(t, t)
    """,
    "contrast": """
        import torch.nn.functional as F
        net = nn.Linear(4, 3)
        one, two = F.normalize(net(torch.randn(6, 4)), dim=1), F.normalize(net(torch.randn(6, 4)), dim=1)
        logits = one @ two.T / 0.1
        loss = (F.cross_entropy(logits, torch.arange(6)) + F.cross_entropy(logits.T, torch.arange(6))) / 2
        loss.backward()
        labels = torch.tensor([0, 0, 1, 1, 2, 2])
        same = (labels.unsqueeze(0) == labels.unsqueeze(1)).float().mean()
    """,
    "probabilities to read": """
        model, x = nn.Linear(4, 3), torch.randn(6, 4)
        logits = model(x)
        probabilities = torch.softmax(logits, dim=1)
        best, index = probabilities.max(dim=1)
        entropy = -(probabilities * probabilities.log()).sum(dim=1).mean()
        loss = nn.functional.nll_loss(torch.log(probabilities), index)
    """,
    "penalty of the gradient": """
        critic = nn.Sequential(nn.Linear(3, 8), nn.Tanh(), nn.Linear(8, 1))
        x = torch.randn(5, 3, requires_grad=True)
        grad, = torch.autograd.grad(critic(x).sum(), x, create_graph=True)
        penalty = ((grad.norm(2, dim=1) - 1) ** 2).mean()
        penalty.backward()
    """,
}

DATA = {
    "a dataset of its own": """
        from torch.utils.data import DataLoader, Dataset, random_split
        class Squares(Dataset):
            def __init__(self, n):
                self.x = torch.arange(float(n)).unsqueeze(1)
            def __len__(self):
                return len(self.x)
            def __getitem__(self, i):
                return self.x[i], self.x[i] ** 2
        train, test = random_split(Squares(20), [16, 4], generator=torch.Generator().manual_seed(0))
        loader = DataLoader(train, batch_size=5, shuffle=True, drop_last=True)
        shapes = [xb.shape for xb, yb in loader]
        everything = torch.cat([xb for xb, _ in DataLoader(test, batch_size=3)])
    """,
    "padding": """
        from torch.nn.utils.rnn import pad_sequence, pack_padded_sequence
        from torch.utils.data import DataLoader
        lines = [torch.arange(1, n) for n in (4, 7, 3, 5)]
        def collate(batch):
            lengths = torch.tensor([len(one) for one in batch])
            return pad_sequence(batch, batch_first=True), lengths
        for tokens, lengths in DataLoader(lines, batch_size=2, collate_fn=collate):
            mask = torch.arange(tokens.size(1))[None, :] < lengths[:, None]
            mean = (tokens * mask).sum(1) / mask.sum(1)
    """,
    "normalising": """
        x = torch.randint(0, 256, (8, 3, 4, 4), dtype=torch.uint8)
        images = x.float() / 255
        mean, std = images.mean(dim=(0, 2, 3)), images.std(dim=(0, 2, 3))
        images = (images - mean[:, None, None]) / std[:, None, None]
    """,
    "counts": """
        labels = torch.tensor([0, 2, 1, 2, 2])
        counts = torch.zeros(3, dtype=torch.long)
        for label in labels:
            counts[label] += 1
        matrix = torch.zeros(3, 3, dtype=torch.int64)
        matrix[labels, labels] = 1
        matrix[0] = 2.0
        one_hot = nn.functional.one_hot(labels, 3)
        ids = torch.zeros(4).long()
        ids[:2] = torch.tensor([1.7, 2.2]).long()
    """,
    "masks and writes": """
        x = torch.randn(4, 3)
        x[x < 0] = 0
        x[x > 1] *= 0.5
        x[[0, 2]] += 1
        rows = x[[0, 1]]
        rows.zero_()
        x[1].fill_(3)
        x[:, 0].mul_(2)
        safe = torch.where(x == 0, torch.ones_like(x), x).log()
    """,
    "with numpy": """
        model = nn.Linear(2, 1)
        x = torch.from_numpy(np.random.rand(10, 2)).float()
        out = model(x).detach().numpy()
        best = float(out.max())
        again = torch.tensor(out.tolist())
        t = torch.tensor(np.arange(3), dtype=torch.float32)
        loss = torch.tensor([model(x[:1]).item() for _ in range(3)]).mean()
    """,
    "gaps in the data": """
        x = torch.tensor([1., float("nan"), 3.])
        known = ~torch.isnan(x)
        mean = x[known].mean()
        filled = torch.nan_to_num(x, nan=0.0)
        ratio = torch.nan_to_num(torch.tensor([0., 1.]) / torch.tensor([0., 2.]))
        lowest = torch.full((3,), float("inf"))
        lowest = torch.minimum(lowest, filled)
    """,
    "timing": """
        import time
        a = torch.randn(8, 8)
        started = time.perf_counter()
        for _ in range(5):
            a @ a
            a.add(1)
        took = time.perf_counter() - started
    """,
    "values that an input shows": """
        x = torch.arange(6).view(2, 3)
        x.t()
    """,
}
