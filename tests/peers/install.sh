#!/usr/bin/env bash
# The programs the second tier of tests runs against: apt installs what is not there yet.
set -euo pipefail
packages=(
    jackd2 jack-tools jack-midi-clock         # a JACK dummy server, MIDI clock and a sequencer
    libportaudio2 libasound2-plugins          # PortAudio, and ALSA's way into PulseAudio
    pulseaudio pulseaudio-utils               # a null sink to listen to
    pipewire pipewire-bin pipewire-pulse wireplumber dbus  # the same through PipeWire
    puredata-core puredata-utils puredata-extra liblo-tools supercollider-language  # OSC programs
    ffmpeg                                    # another reader of what we write
    chromium                                  # the status page in a real browser
    coturn openssl nftables                   # a TURN server, its certificate, and the firewall in between
    iproute2 procps
)
command -v npm >/dev/null || packages+=(nodejs npm)  # runs an OS2L sender
missing=()
for package in "${packages[@]}"; do
    dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
done
if [ ${#missing[@]} != 0 ]; then
    command -v apt-get >/dev/null || { echo "The peer tests install Debian packages; there is no apt-get here." >&2; exit 1; }
    as_root=""
    [ "$(id -u)" = 0 ] || as_root=sudo
    export DEBIAN_FRONTEND=noninteractive
    $as_root apt-get update -qq
    # jackd2 asks about real-time priority; the answer for a test machine is no.
    $as_root apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
fi
sender=$(dirname "$0")/os2l
[ -d "$sender/node_modules/os2l" ] || npm ci --silent --no-audit --no-fund --prefix "$sender"
