"""Chatterbox with continuous batching.

The weights and the layers are the ``chatterbox-tts`` package's; the loops are ours, so
that many requests share each step:

===============  ==============================================================
``variants``     what differs between turbo, english and multilingual
``load``         weights from a folder or the hub
``voice``        a voice's conditions, from a recording or built in; bounded
``preparing``    the same as named arrays, to be kept; named after the weights
``text``         normalising, splitting, padding, the token budget
``device``       a device as the thread's own, its memory, its tables
``packed``       linear layers laid out for oneDNN, on a CPU
``cache``        key/value slots, a position per row
``attention``    what a layer attends to: ragged rows, or slots under a mask
``backbone``     one pass of GPT-2 or Llama over packed tokens
``prompt``       the embeddings that a decoding starts from
``sampling``     logits to tokens, values and seeds per row
``choose``       guidance, checks and sampling for a batch
``alignment``    the multilingual checks on text position, as state per row
``guards``       budget, early end, repetition
``decoding``     one request in the running batch
``decode``       the running batch: insert, step, remove
``graph``        the decode step captured for CUDA
``noise``        reproducible noise that does not depend on how audio is cut
``estimator``    one pass of the flow's U-Net
``flow``         tokens to mel, rows of several voices and lengths in one batch
``hift``         mel to samples, likewise, with the source carried on
``vocode``       one stream's chunks: look-ahead, context, joints
``watermark``    Perth
``trim``         noise after the last word
``words``        when each word is spoken
``listener``     what a listener has in store, and who yields to whom
``utterance``    one request between its text and its last sample
``sizes``        how much of a device is used
``model``        one step of everything, for the scheduler's runner
``engine``       the engine seam: voices, options, one runner over all devices
``offer``        whether it can run here, from the settings
===============  ==============================================================
"""
