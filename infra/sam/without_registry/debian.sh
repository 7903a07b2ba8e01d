# bash debian.sh IMAGE RELEASE: makes an image of a minimal Debian, from the mirror that this machine's apt uses.
set -euo pipefail
PATH=$PATH:/usr/sbin:/sbin
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
mirror=$(apt-get indextargets --format '$(ORIGIN)|$(LABEL)|$(COMPONENT)|$(REPO_URI)' 'Created-By: Packages' | sed -n 's/^Debian|Debian|main|//p' | head -n 1)
debootstrap --variant=minbase --include=ca-certificates "$2" "$folder" $mirror > /dev/null # without a mirror it knows one itself
rm -rf "$folder"/var/cache/apt/archives/*.deb "$folder"/var/lib/apt/lists/*
tar --directory "$folder" --create . | docker import --change 'CMD ["bash"]' - "$1"
