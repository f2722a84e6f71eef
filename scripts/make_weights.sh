#!/usr/bin/env bash
# Makes aio-nano from nothing: draws the people, pre-trains the encoder, trains AIO on it, puts the weights into the package.
# Hours on 2 cores, less with a GPU. Stopped at any moment, the same call goes on where it was.
# IDENTITIES and OUT may be set for a trial; aio-reid must be on the PATH (make weights sees to it).
set -euo pipefail
cd "$(dirname "$0")/.."
identities=${IDENTITIES:-9000}
out=${OUT:-src/aio_reid/weights/aio-nano.safetensors}

draw() { # FOLDER SEED
  aio-reid people "$1" --identities "$identities" --seed "$2" --infrared 2 --sketches 2 --captions 3 --val-share 0.015
}
draw runs/people 1
draw runs/more-people 4
aio-reid people runs/new-people --identities $((identities * 7 / 9)) --seed 5 --infrared 3 --sketches 3 --captions 4 --val-share 0.015
aio-reid pretrain configs/nano-pretrain.yaml --resume
aio-reid pretrain configs/nano-details.yaml --resume
aio-reid pretrain configs/nano-grey.yaml --resume
aio-reid pretrain configs/nano-form.yaml --resume
aio-reid train configs/nano-form-stage1.yaml --resume
aio-reid pretrain configs/nano-identities.yaml --resume
aio-reid train configs/nano-stage1.yaml --resume --out runs/nano-identities-stage1 --set start_from=runs/nano-identities \
  --set model.encoder.weights_file=runs/nano-identities/weights.safetensors
aio-reid pretrain configs/nano-longer.yaml --resume
aio-reid train configs/nano-stage1.yaml --resume
aio-reid export-weights runs/nano-stage1 "$out" --half --average runs/nano-identities-stage1
aio-reid doctor
