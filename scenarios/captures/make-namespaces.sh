#!/bin/sh
# Makes namespaces.pcap: real traffic between two network namespaces, seen on one end of a veth pair.
# Needs root, a kernel with veth and 8021q, iproute2, ethtool, tcpdump, ping and python3. Usage: make-namespaces.sh OUTPUT
set -eu
output=${1:?usage: make-namespaces.sh OUTPUT}
work=$(mktemp -d)
trap 'ip netns del cap-a 2>/dev/null; ip netns del cap-b 2>/dev/null; rm -rf "$work"' EXIT

a() { ip netns exec cap-a "$@"; }
b() { ip netns exec cap-b "$@"; }

ip netns add cap-a
ip netns add cap-b
ip link add port-a netns cap-a type veth peer name port-b netns cap-b
for side in a b; do
  run() { ip netns exec "cap-$side" "$@"; }
  if [ $side = a ]; then host=1 mac=02:00:00:00:01:0a; else host=2 mac=02:00:00:00:01:0b; fi
  run sysctl -qw net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1 2>/dev/null || true
  # Frames as a wire would carry them: no segmentation left to the card, checksums filled in.
  run ethtool -K "port-$side" tx off rx off sg off tso off gso off gro off >/dev/null 2>&1 || true
  run ip link set "port-$side" address "$mac" mtu 1500 up
  run ip link set lo up
  run ip address add 192.0.2.$host/24 brd + dev "port-$side"
  # VLAN 100 with priority 3, VLAN 200 with priority 0.
  run ip link add link "port-$side" name vlan100 type vlan id 100 egress-qos-map 0:3
  run ip link add link "port-$side" name vlan200 type vlan id 200
  run ip link set vlan100 up
  run ip link set vlan200 up
  run ip address add 198.51.100.$host/24 brd + dev vlan100
  run ip address add 203.0.113.$host/24 brd + dev vlan200
done

cat >"$work/server.py" <<'PY'
import socket, threading

def tcp():
    server = socket.create_server(('192.0.2.2', 8080))
    connection, _ = server.accept()
    request = b''
    while not request.endswith(b'\n'):
        request += connection.recv(4096)
    size = int(request.split()[1])
    connection.sendall(bytes((i * 31 + (i >> 8)) & 0xff for i in range(size)))
    connection.close()

def udp(address, port):
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind((address, port))
    while True:
        data, peer = server.recvfrom(2048)
        server.sendto(data[::-1], peer)

for address, port in (('192.0.2.2', 7007), ('198.51.100.2', 7007), ('203.0.113.2', 7007)):
    threading.Thread(target=udp, args=(address, port)).start()
tcp()
PY

cat >"$work/client.py" <<'PY'
import socket, time

def echo(server, sizes):
    client = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    client.settimeout(2)
    for size in sizes:
        client.sendto(bytes(i & 0xff for i in range(size)), (server, 7007))
        assert len(client.recv(2048)) == size
        time.sleep(0.001)

def announce(group):
    client = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    client.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
    client.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton('192.0.2.1'))
    for i in range(3):
        client.sendto(b'announcement %d' % i, (group, 7008))
        time.sleep(0.001)

connection = socket.create_connection(('192.0.2.2', 8080))
connection.sendall(b'GET 12345\n')
left = 12345
while left:
    left -= len(connection.recv(65536))
connection.close()
echo('192.0.2.2', [1, 18, 19, 200, 1472])
announce('239.1.2.3')
announce('192.0.2.255')
echo('198.51.100.2', [64, 300, 1001])
echo('203.0.113.2', [64, 1468])
PY

ip netns exec cap-a tcpdump -i port-a -s 0 -U --immediate-mode --time-stamp-precision=nano -w "$work/capture.pcap" 2>"$work/log" &
capture=$!
until grep -q listening "$work/log"; do sleep 0.1; done
ip netns exec cap-b python3 "$work/server.py" &
server=$!
sleep 0.5

a ping -q -c 3 -i 0.01 192.0.2.2 >/dev/null
a ping -q -c 2 -i 0.01 -s 1472 192.0.2.2 >/dev/null
b ping -q -c 2 -i 0.01 192.0.2.1 >/dev/null
a ping -q -c 3 -i 0.01 198.51.100.2 >/dev/null
b ping -q -c 2 -i 0.01 203.0.113.1 >/dev/null
a python3 "$work/client.py"
kill $server
sleep 0.5
kill $capture
wait $capture || true
cat "$work/log" >&2
cp "$work/capture.pcap" "$output"
