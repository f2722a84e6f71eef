#!/usr/bin/env bash
# Makes aio-nano from nothing: draws the people, pre-trains the encoder, trains AIO on it, puts the weights into the package.
# Many hours on 2 cores, fewer with a GPU, and some 20 GB of disk (calculated) below runs/. Stopped at any moment, the same call goes on where it was.
# OUT is the file to write; IDENTITIES=180 TRIAL="--set optim.max_steps=2" tries the whole way in minutes. aio-reid must be on the
# PATH (make weights sees to it).
set -euo pipefail
cd "$(dirname "$0")/.."
identities=${IDENTITIES:-9000}
out=${OUT:-src/aio_reid/weights/aio-nano.safetensors}
options=(--resume)
command -v "${CXX:-g++}" > /dev/null || options+=(--set compile=false) # torch.compile needs a C++ compiler
read -ra trial <<< "${TRIAL:-}"
options+=("${trial[@]}")

draw() { # FOLDER SEED NINTHS OPTIONS...
  aio-reid people "$1" --identities $((identities * $3 / 9)) --seed "$2" "${@:4}"
}
stage1() { # PRE-TRAINING PEOPLE STEPS SEED
  aio-reid train configs/nano-stage1.yaml --out "runs/$1-stage1" --set "start_from=runs/$1" --set "optim.max_steps=$3" \
    --set "model.encoder.weights_file=runs/$1/weights.safetensors" --set "data.manifest=runs/$2/manifest.parquet" \
    --set "data.cache=runs/$2-decoded" --set "seed=$4" "${options[@]}"
}
draw runs/people 1 9 --infrared 2 --sketches 2 --captions 3 --val-share 0.015
draw runs/more-people 4 9 --infrared 2 --sketches 2 --captions 3 --val-share 0.015
draw runs/new-people 5 7 --infrared 3 --sketches 3 --captions 4 --val-share 0.015
draw runs/wide-people 8 5 --photos 3 --infrared 2 --sketches 2 --captions 3 --val-share 0.03
draw runs/other-people 9 5 --photos 3 --infrared 2 --sketches 2 --captions 3 --val-share 0.02
for part in pretrain details grey form; do
  aio-reid pretrain "configs/nano-$part.yaml" "${options[@]}"
done
aio-reid train configs/nano-form-stage1.yaml "${options[@]}"
for part in identities longer; do
  aio-reid pretrain "configs/nano-$part.yaml" "${options[@]}"
  stage1 "nano-$part" new-people 200 6
done
aio-reid export-weights runs/nano-longer-stage1 runs/nano-eighth.safetensors --half --average runs/nano-identities-stage1
aio-reid pretrain configs/nano-wide.yaml "${options[@]}"
stage1 nano-wide wide-people 320 6
aio-reid export-weights runs/nano-wide-stage1 runs/nano-ninth.safetensors --half --mirrored
aio-reid pretrain configs/nano-other.yaml "${options[@]}"
aio-reid train configs/nano-stage1.yaml "${options[@]}"
aio-reid export-weights runs/nano-stage1 "$out" --half --mirrored --average runs/nano-wide-stage1
aio-reid doctor
