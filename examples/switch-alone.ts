/**
 * The card's embedded switch alone, without time: three VPorts and the physical port, MAC and VLAN filters, anti-spoofing,
 * broadcast, and what becomes of each frame.
 *
 * The switch passes slots of a frame pool. It touches no byte; what it finds out is who receives the frame, and what is to be
 * done with its VLAN tag.
 *
 *     node .build/examples/switch-alone.js
 */
import { FramePool } from 'sriovsim/base';
import { DROP_REASONS, NicSwitch, TAG_STRIP, tagOperation, targetPort } from 'sriovsim/nicswitch';
import { buildTestFrame, parseMac } from 'sriovsim/wire';

const MACS = ['02:00:00:00:00:0a', '02:00:00:00:00:0b', '02:00:00:00:00:0c'];
const BROADCAST = 'ff:ff:ff:ff:ff:ff';
const STRANGER = '02:00:00:00:00:99';

const frames = new FramePool({ slots: 64 });
const nicSwitch = new NicSwitch({ frames, vports: MACS.length });
MACS.forEach((mac, vport) => {
  nicSwitch.setVPortEnabled(vport, true, true);
  nicSwitch.addMac(vport, mac);
  nicSwitch.setAntiSpoof(vport, { mac: true, vlan: true });
});
// VPorts 1 and 2 are in VLAN 100. The guest of VPort 2 does not know: the card takes the tag out, and puts it in.
nicSwitch.setVlanFilter(true);
for (const vport of [1, 2]) nicSwitch.addVlan(vport, 100);
nicSwitch.setPortVlan(2, 100);
nicSwitch.setAcceptUntagged(2, false);

const nameOf = (port: number) => (port === nicSwitch.uplink ? 'the wire' : `VPort ${port}`);

/** Has the switch decide one frame, and prints what it decided. */
function send(what: string, ingress: number, destination: string, source: string, vlan?: number): void {
  const slot = frames.take();
  const frame = {
    destination: parseMac(destination),
    source: parseMac(source),
    flow: 0,
    frameBytes: 64,
    ...(vlan === undefined ? {} : { vlan: { id: vlan } }),
  };
  frames.lengths[slot] = buildTestFrame(frame, frames.u8, frames.offsetOf(slot));
  const count = nicSwitch.route(slot, ingress);
  const receivers = Array.from(nicSwitch.targets.subarray(0, count), (target) => {
    const stripped = tagOperation(target) === TAG_STRIP ? ' without its tag' : '';
    // Each receiver holds a reference of its own and gives it back when it has taken the frame.
    frames.release(slot);
    return nameOf(targetPort(target)) + stripped;
  });
  const outcome =
    count > 0 ? `to ${receivers.join(' and ')}` : `dropped: ${DROP_REASONS[nicSwitch.lastDrop]}`;
  console.log(`${what.padEnd(44)} ${outcome}`);
}

const { uplink } = nicSwitch;
send('VPort 0 to VPort 1', 0, MACS[1], MACS[0]);
send('VPort 0 to an address that nobody has', 0, STRANGER, MACS[0]);
send('VPort 0 with a foreign source address', 0, MACS[1], STRANGER);
send('VPort 0 broadcasts', 0, BROADCAST, MACS[0]);
send('VPort 1 to VPort 2 in VLAN 100', 1, MACS[2], MACS[1], 100);
send('VPort 2 to VPort 1, port VLAN 100', 2, MACS[1], MACS[2]);
send('VPort 0 in VLAN 100, which it is not in', 0, MACS[1], MACS[0], 100);
send('the wire to VPort 2 in VLAN 100', uplink, MACS[2], STRANGER, 100);
send('the wire to VPort 2, untagged', uplink, MACS[2], STRANGER);
send('the wire broadcasts in VLAN 100', uplink, BROADCAST, STRANGER, 100);

nicSwitch.checkBalance();
const { framesIn, replicas, delivered, dropped } = nicSwitch.balance();
console.log(`\n${framesIn} frames in + ${replicas} replicas = ${delivered} delivered + ${dropped} dropped`);
console.log(`slots in use: ${frames.slots - frames.available}`);
