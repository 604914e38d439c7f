/**
 * A port extender (IEEE 802.1BR): the switch no longer switches. All that a VPort sends goes up the wire with an E-Tag that
 * names the VPort's channel, and a controlling bridge up there decides: it learns, and sends frames back down with the tag of
 * whom they are for. A frame for many goes down once and is replicated by the extender, but not to its sender.
 *
 *     node .build/examples/port-extender.js
 */
import { FramePool } from 'sriovsim/base';
import { ControllingBridge, NicSwitch, tagOperation, targetPort } from 'sriovsim/nicswitch';
import { buildTestFrame, type ETag, MAX_TAG_BYTES, parseETag, writeTagged } from 'sriovsim/wire';

const VPORTS = 3;
const BROADCAST = 0xffffffffffff;
const STATION = 0x0200000000ff;
const macOf = (vport: number) => 0x020000000000 + vport;

const frames = new FramePool({ slots: 16 });
const nicSwitch = new NicSwitch({ frames, vports: VPORTS });
for (let vport = 0; vport < VPORTS; vport++) nicSwitch.setVPortEnabled(vport, true, true);

// The bridge makes the switch a port extender, and gives VPort 0 the channel 101, VPort 1 the channel 102, and so on.
const bridge = new ControllingBridge({ tag: 'etag', channels: [101, 102, 103] });
bridge.control(nicSwitch);

/** The E-Tag of a frame on the wire, behind its two addresses. */
function tagOf(frame: Uint8Array): Required<ETag> {
  const tag = parseETag(frame, 12, frame.length - 12);
  if (tag === undefined) throw new Error('a frame on the wire of a port extender has an E-Tag');
  return tag;
}

/** What the extender does with the frame in `slot`: each receiver, and the bytes that it gets. */
function extend(slot: number, ingress: number): { port: number; bytes: Uint8Array }[] {
  const count = nicSwitch.route(slot, ingress);
  return Array.from(nicSwitch.targets.subarray(0, count), (target) => {
    const buffer = new Uint8Array(frames.lengths[slot] + MAX_TAG_BYTES);
    const length = writeTagged(frames, slot, tagOperation(target), buffer);
    frames.release(slot);
    return { port: targetPort(target), bytes: buffer.subarray(0, length) };
  });
}

/** The frame comes down the wire with its tag. */
function down(frame: Uint8Array): void {
  const slot = frames.take();
  frames.u8.set(frame, frames.offsetOf(slot));
  frames.lengths[slot] = frame.length;
  const receivers = extend(slot, nicSwitch.uplink).map(
    ({ port, bytes }) => `VPort ${port} (${bytes.length} bytes)`,
  );
  const { group, base, ingressBase } = tagOf(frame);
  const origin = ingressBase > 0 ? `, but not to channel ${ingressBase}` : '';
  console.log(
    `    down to ${group > 0 ? `a group (GRP ${group}, base ${base})` : `channel ${base}`}${origin}: ${receivers.join(', ') || 'nobody'}`,
  );
}

function send(what: string, vport: number, destination: number): void {
  const slot = frames.take();
  const frame = { destination, source: macOf(vport), flow: 0, frameBytes: 64 };
  frames.lengths[slot] = buildTestFrame(frame, frames.u8, frames.offsetOf(slot));
  console.log(`${what} (${frames.lengths[slot]} bytes)`);
  for (const { bytes } of extend(slot, vport)) {
    console.log(`    up from channel ${tagOf(bytes).base}: ${bytes.length} bytes`);
    const { toExtender, toNetwork } = bridge.receive(bytes);
    if (toNetwork.length > 0) console.log(`    to the network: ${toNetwork[0].length} bytes`);
    toExtender.forEach(down);
  }
}

send('VPort 0 to VPort 1, which the bridge has not learned: flooded', 0, macOf(1));
send('VPort 1 answers: the bridge knows VPort 0', 1, macOf(0));
send('VPort 0 to VPort 1 again', 0, macOf(1));
send('VPort 2 broadcasts', 2, BROADCAST);
send('VPort 2 to a station of the network', 2, STATION);

nicSwitch.checkBalance();
const { framesIn, replicas, delivered, dropped } = nicSwitch.balance();
console.log(`\n${framesIn} frames in + ${replicas} replicas = ${delivered} delivered + ${dropped} dropped`);
console.log(
  `the bridge filtered ${bridge.filtered} and did not know ${bridge.unknown}; slots in use: ${frames.slots - frames.available}`,
);
