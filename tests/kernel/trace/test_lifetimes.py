"""Nothing lives longer for being watched, and nothing ends sooner."""

from __future__ import annotations

import textwrap

import pytest

from tests.kernel.trace.traced import both, printed

LIFETIMES = """
    alive = {}
    def watch(name, value):
        alive[name] = weakref.ref(value)
        return value
    def told():
        return sorted(name for name, ref in alive.items() if ref() is not None)
    """


@pytest.mark.parametrize(
    "code",
    [
        """
        y = watch('made', torch.ones(2) * 2).sum()
        print(told())
        """,
        """
        x = watch('x', torch.ones(2)); y = x.T.reshape(2); z = watch('z', x * 2)
        del x, y, z
        print(told())
        """,
        """
        def f():
            v = watch('v', torch.ones(2)); w = v + 1; del v
            return told()
        print(f())
        """,
        """
        for i in range(300):
            x = watch(i, torch.ones(2)); x = x + 1
        del x
        print(told())
        """,
        """
        m = watch('m', nn.Linear(2, 2)); y = watch('y', m(torch.ones(1, 2)))
        del m, y
        print(told())
        """,
        """
        try:
            watch('a', torch.ones(2)) @ watch('b', torch.ones(3))
        except RuntimeError as e:
            kept = e
        print(told())
        """,
        """
        try:
            F.linear(watch('a', torch.ones(2)), watch('b', torch.ones(3, 4)))
        except RuntimeError as e:
            pass
        print(told())
        """,
        """
        def g():
            for i in range(3):
                yield watch(i, torch.ones(2)) * i
        print([told() for _ in g()], told())
        """,
        """
        x = torch.ones(2, requires_grad=True)
        y = watch('y', (x * 2).exp())
        z = y.sum(); z.backward()
        del y, z
        print(told())
        """,
        """
        f = watch('f', lambda v: v * 2); y = torch.vmap(f)(torch.ones(2))
        del f
        print(told())
        """,
        """
        class E(Exception): pass
        def hook(g): raise watch('e', E('x'))
        x = torch.ones(1, requires_grad=True); x.register_hook(hook)
        try:
            x.sum().backward()
        except E: pass
        print(told())
        """,
        """
        import numpy as np
        class Array(np.ndarray): pass
        a = watch('a', np.ones(2).view(Array))
        t = watch('t', torch.from_numpy(a))
        try: torch.from_numpy(watch('b', np.array(['x']).view(Array)))
        except TypeError as e: kept = e
        del a, t
        print(told())
        """,
    ],
)
def test_nothing_lives_longer(driver, code: str):
    whole = "gc.collect(); gc.disable()\n" + textwrap.dedent(code) + "\ngc.enable()"
    traced, bare = both(driver, textwrap.dedent(LIFETIMES) + whole)
    assert traced.ok, traced.error
    assert printed(traced) == printed(bare)


def test_finalizers_run_when_they_would(driver):
    traced, bare = both(
        driver,
        """
        class Loud:
            def __init__(self, name): self.name = name
            def __del__(self): print("del", self.name, end=" ")
        def f(i):
            t = torch.ones(2); t.loud = Loud(i)
            return t + 1
        for i in range(20):
            f(i); print(i, end=" ")
        """,
    )
    assert printed(traced) == printed(bare)
