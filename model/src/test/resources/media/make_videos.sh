#!/bin/bash
# The video files of this folder. Needs ffmpeg with libx264, libx265 and libvpx.
# Each shows 20 frames of 64x48 pixels at 10 a second, a grey that grows with each frame.
set -e
cd "$(dirname "$0")"
SOURCE=(-f lavfi -i "color=black:s=64x48:r=10:d=2,format=yuv420p,geq=lum='16+10*N':cb=128:cr=128")
run() { ffmpeg -v error -y "$@"; }
run "${SOURCE[@]}" -c:v libx264 -crf 12 -bf 2 -g 20 h264.mp4
run "${SOURCE[@]}" -c:v libx265 -x265-params log-level=none -crf 12 -g 20 hevc.mp4
run "${SOURCE[@]}" -c:v libvpx-vp9 -crf 12 -b:v 0 vp9.webm
run "${SOURCE[@]}" -c:v libvpx -crf 4 -b:v 1M -auto-alt-ref 1 -lag-in-frames 16 -g 20 vp8.webm
run "${SOURCE[@]}" -c:v libx264 -crf 12 -movflags +faststart faststart.mp4
run -f lavfi -i "color=black:s=64x48:r=10:d=0.5,format=yuv420p,geq=lum='if(lt(Y,24),40,200)':cb=128:cr=128" \
    -c:v libx264 -crf 12 upright.mp4
run -i upright.mp4 -c copy -metadata:s:v:0 rotate=90 turned.mp4 # ffmpeg before version 7
rm upright.mp4
