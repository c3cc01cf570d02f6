"""Explanations: pure functions of the records, one small rule a subject.

| family | rule ids | module in `rules` |
| --- | --- | --- |
| views and copies | `shares-memory`, `written-through`, `copied` | memory, written, copies |
| view refused | `view-incompatible`, `view-size` | shapes |
| backward | `second-backward`, `no-grad-fn`, `non-scalar-backward`, `gradient-shape` | backward, weights |
| overwritten | `saved-overwritten` | overwritten |
| gradients | `non-leaf-grad`, `grad-none` | gradients |
| leaves | `leaf-in-place`, `integer-requires-grad` | leaves, integers |
| operands | `matmul-shapes`, `broadcast-shapes`, `device-mismatch` | products, broadcasting, devices |
| devices | `device-absent`, `device-name`, `meta-values` | devices_absent |
| dimensions | `dimension-range`, `dimension-repeated`, `shape-position`, … | dimensions |
| positions | `index-range`, `index-count`, `mask-shape`, `write-shape`, … | indexing |
| lookups | `embedding-range`, `lookup-range`, `lookup-shape`, `slice-range`, `top-count` | selecting |
| new sizes | `expand-sizes`, `open-sizes`, `split-sizes`, `unflatten-sizes` | resizing |
| equations | `einsum-subscripts` | einsum |
| taken apart | `unpack-count` | unpacking |
| joins | `cat-shapes`, `stack-shapes` | joining |
| layers' inputs | `conv-input`, `norm-input`, `pool-input`, `recurrent-input`, … | convolutions, pooling, … |
| windows | `window-settings` | windows |
| demands | `shape-needed`, `shapes-alike`, `sizes-equal`, `counts-differ`, … | required |
| targets | `loss-shapes`, `class-range` | targets |
| losses | `scores-expected`, `log-probabilities-expected`, `softmax-over-batch`, … | losses, spread |
| column and row | `square-broadcast`, `wrong-argmax` | spread, choices |
| training | `stale-gradients`, `nothing-to-step`, `scheduler-first` | accumulating, choices |
| trained by nobody | `hidden-layers`, `not-held`, `no-gradient`, `frozen-held` | holding |
| modes | `evaluated-in-train-mode`, `trained-in-eval-mode` | modes |
| memory | `kept-graphs` | keeping |
| histories | `history-dropped`, `backward-from-leaf`, `not-recorded` | history, results |
| NaN | `nan-born`, `diverged`, `inf-born` | born, results |
| lost on the way | `cut-to-whole`, `write-lost`, `gathered`, `result-dtype` | truncated, results |
| batches | `last-batch`, `judging-loader` | batches |
| without effect | `result-unused`, `not-called`, `context-unused`, … | discarded |
| arguments | `argument-type`, `operand-type`, `element-type` | types_given |
| their number | `argument-missing`, `argument-extra`, `own-arguments` | types_counted |
| dtypes | `dtype-mismatch`, `index-dtype`, `needs-float`, … | dtypes_mixed, dtypes_refused, dtypes_written |
| values | `value-range`, `value-choice`, `values-inside`, `values-together` | values, values_drawn |
| conversions | `truth-of-many`, `one-element`, `not-numbers`, … | convert_one, convert_data, convert_away |
| autograd | `unused-in-grad`, `custom-function`, … | autograd_asked, autograd_views, autograd_custom |
| modules set up | `super-init`, `super-call`, `misspelled-init`, `base-class`, … | initialised, inherited |
| modules called | `no-forward`, `layers-called`, `class-called`, … | forwards, returned |
| what modules hold | `parameter-required`, `layer-replaced`, `name-clash`, `not-a-layer` | registered |
| what modules lack | `missing-layer`, `module-attribute`, `module-as-value`, `layer-index`, … | attributes |
| settings together | `layer-conflict`, `init-dimensions` | layer_settings |
| state dicts | `state-dict-mismatch`, `no-state-dict` | state_dicts |
| files | `weights-only`, `missing-file`, `map-location`, `state-dict-as-model`, … | saving |
| optimizers | `optimizer-params`, `no-parameters`, `optimizer-setting`, … | optimizers, optimizer_settings |
| their steps | `step-closure`, `optimizer-state`, `scheduler-setting`, … | training |
| datasets | `dataset-length`, `dataset-item`, `collate-sizes`, `collate-types`, … | datasets |
| loaders | `loader-exclusive`, `loader-setting`, `batch-parts`, `loader-used` | loaders |
| splits and workers | `tensor-dataset`, `split-lengths`, `worker-failed`, `worker-pickle` | splits, workers |
| names that are not there | `missing-name` | absent |
| Python and tensors | `not-callable`, `format-of-many`, `element-value`, … | misused |
| anything else | `failed-call`, `plain-error` | general |

`reading` finds the code that failed, from the frames in the error's facts; `calls` reads the failed call in
whatever form it was written; `operands` and `arguments` work out shapes; `origins`, `cuts` and `passes`
follow names back through the assignments in `past`; `lineage` and `severed` follow tensors back through the
operations that were recorded; `verdicts` says of one operation what came of it and why; `flow` and `training`
are what rules about outcomes read with: operations with their code, and the order of passes and steps.
"""

from tutor.explain.engine import explain_error, explain_step, load_rules, take_troubles
from tutor.explain.entries import Entry
from tutor.explain.past import Past, after_setup

__all__ = ["Entry", "Past", "after_setup", "explain_error", "explain_step", "load_rules", "take_troubles"]
