# bash dockerd.sh FOLDER COMMAND...: runs dockerd (the command) until SIGTERM, then leaves this machine as it was: dockerd leaves its
# firewall rules, its network interfaces and forwarding behind. It is a process of its own, so that this happens even where the one that
# asked for the engine was killed. FOLDER, which has the engine's socket, goes too.
PATH=$PATH:/usr/sbin:/sbin
forwards=/proc/sys/net/ipv4/ip_forward

bridges() { ls /sys/class/net | grep -xE 'docker0|br-[0-9a-f]{12}'; }

trap 'ended=yes' TERM # from before dockerd is there, which must not outlive this process
folder=$1 forwarding=$(cat $forwards) others=$(bridges)
policy=$(iptables-save | sed -n 's/^:FORWARD \([A-Z]*\).*/\1/p' | head -n 1)
shift
"$@" < /dev/null &
dockerd=$!
while [ -z "$ended" ] && kill -0 $dockerd 2>/dev/null; do sleep 0.2; done
kill $dockerd 2>/dev/null
wait $dockerd

# Rules that others have added meanwhile stay; what was forwarded before is forwarded again.
iptables-save | sed -E "/DOCKER|docker0|\bbr-[0-9a-f]{12}\b/d; s/^:FORWARD [A-Z]+/:FORWARD ${policy:-ACCEPT}/" | iptables-restore
echo "$forwarding" > $forwards
for bridge in $(bridges); do
  grep -qx "$bridge" <<< "$others" || ip link delete "$bridge"
done
rm -rf "$folder"
