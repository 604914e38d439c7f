/**
 * Rate limits and mirroring on the switch alone: three VPorts offer more than a wire of 10 Gb/s carries. One is limited, one
 * is guaranteed a minimum, and what one of them sends is copied to a fourth VPort.
 *
 * The switch itself knows no time. An `EgressStage` takes what it has switched and lets each frame go when the wire is free
 * and the limits allow; the clock, in ps, is this program's.
 *
 * Of the 10 Gb/s, 6 are guaranteed, and each of the four VPorts has a share of 1 in the rest: VPort 1 weighs 7, the others 1.
 * VPort 0 may not use more than its limit, VPort 3 sends nothing; VPorts 1 and 2 share what is left as 7 : 1.
 *
 *     node .build/examples/switch-rates.js
 */
import { FramePool } from 'sriovsim/base';
import { EgressStage, entrySlot, NicSwitch } from 'sriovsim/nicswitch';
import { buildTestFrame } from 'sriovsim/wire';

const SENDERS = 3;
const MONITOR = 3;
const STATION = 0x0200000000ff;
const FRAME_BYTES = 1518;
const END_PS = 10e9;
const NAMES = ['VPort 0, limited to 1 Gb/s', 'VPort 1, guaranteed 6 Gb/s', 'VPort 2'];
const macOf = (vport: number) => 0x020000000000 + vport;

/** Sends for 10 ms as fast as it goes, and returns what came where. */
function run(mirrored: boolean) {
  const frames = new FramePool({ slots: 1024 });
  const nicSwitch = new NicSwitch({ frames, vports: SENDERS + 1 });
  for (let vport = 0; vport <= MONITOR; vport++) {
    nicSwitch.setVPortEnabled(vport, true, true);
    nicSwitch.addMac(vport, macOf(vport));
  }
  // Copies of whatever VPort 0 sends. They are no load on the wire, as they never get there.
  if (mirrored) nicSwitch.setMirrorRule(0, { to: MONITOR, sentBy: [0] });

  const stage = new EgressStage(nicSwitch, { linkGbps: 10 });
  stage.setMaxRate(0, 1000, 0);
  stage.setMinRate(1, 6000);

  const waiting = Array.from({ length: SENDERS }, () => 0);
  const sources = new Int32Array(frames.slots);
  let copies = 0;
  let nowPs = 0;
  while (nowPs < END_PS) {
    // Each sender keeps eight frames waiting.
    for (let vport = 0; vport < SENDERS; vport++) {
      for (; waiting[vport] < 8; waiting[vport]++) {
        const slot = frames.take();
        const frame = { destination: STATION, source: macOf(vport), flow: vport, frameBytes: FRAME_BYTES };
        frames.lengths[slot] = buildTestFrame(frame, frames.u8, frames.offsetOf(slot));
        sources[slot] = vport;
        stage.submit(vport, slot);
      }
    }
    nicSwitch.forward();
    stage.collect();
    for (let port = stage.next(nowPs); port >= 0; port = stage.next(nowPs)) {
      const slot = entrySlot(stage.entry);
      if (port === nicSwitch.uplink) waiting[sources[slot]]--;
      else copies++;
      frames.release(slot);
    }
    nowPs = stage.readyPs;
  }
  nicSwitch.checkBalance();
  return { stage, copies, counters: nicSwitch.portCounters(MONITOR), balance: nicSwitch.balance() };
}

const gbps = (bytes: number) => ((bytes * 8e3) / END_PS).toFixed(3);

const { stage, copies, counters, balance } = run(true);
console.log('to the wire, in Gb/s of frames (preamble and gap take the rest of the 10):');
for (const [vport, name] of NAMES.entries()) {
  console.log(`  ${name.padEnd(27)} ${gbps(stage.bytesToWire[vport])}`);
}
const total = stage.bytesToWire.reduce((sum, bytes) => sum + bytes, 0);
console.log(`  ${'together'.padEnd(27)} ${gbps(total)}`);
console.log(`mirrored to VPort ${MONITOR}: ${counters.mirrored} of VPort 0's frames, ${copies} delivered`);
console.log(
  `${balance.framesIn} frames in + ${balance.replicas} replicas = ${balance.delivered} delivered + ${balance.dropped} dropped; ` +
    `${stage.framesDropped} had no room, ${stage.waiting} wait`,
);
console.log(`without the rule, VPort ${MONITOR} gets ${run(false).copies}`);
