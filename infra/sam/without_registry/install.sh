# sh install.sh PACKAGE...: installs Debian's packages, and starts none of the services that come with them.
export DEBIAN_FRONTEND=noninteractive
no_service_starts=/usr/sbin/policy-rc.d
if [ ! -e $no_service_starts ]; then
  trap 'rm $no_service_starts' EXIT
  printf '#!/bin/sh\nexit 101\n' > $no_service_starts
  chmod 755 $no_service_starts
fi
apt-get -qq update && apt-get -qq install --yes --no-install-recommends "$@" > /dev/null
