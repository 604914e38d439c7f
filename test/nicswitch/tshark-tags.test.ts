import { describe, expect, it } from 'vitest';
import { FramePool } from '../../src/base/index.ts';
import { NicSwitch, tagOperation } from '../../src/nicswitch/index.ts';
import { buildTestFrame, eChannel, MAX_TAG_BYTES, PcapngWriter, writeTagged } from '../../src/wire/index.ts';
import { tshark, whyNoTshark } from '../wire/tshark.ts';

const noTshark = whyNoTshark();

describe(`tshark ${noTshark ?? ''}`.trim(), () => {
  it.skipIf(noTshark !== undefined)('decodes the tags that a switch has put on', () => {
    const writer = new PcapngWriter();
    const wire = writer.addInterface({ name: 'wire' });
    const frames = [
      sentBy((s) => s.setPortVlan(0, (5 << 13) | 10)),
      sentBy((s) => {
        s.setDoubleVlan({});
        s.setServiceVlan(0, 100);
        s.setPortVlan(0, 10);
      }),
      sentBy((s) => {
        s.setPortExtender('etag');
        s.setChannel(0, eChannel({ base: 0x123, extension: 0x45 }));
        s.setPortVlan(0, (3 << 13) | 10);
      }),
      sentBy((s) => {
        s.setPortExtender('vntag');
        s.setChannel(0, 0xabc);
      }),
    ];
    frames.forEach((bytes, i) => {
      writer.addPacket({ interface: wire, timePs: i * 1e6, bytes });
    });
    const fields = [
      'frame.protocols',
      'vlan.id',
      'vlan.priority',
      'etag.ecid_base',
      'etag.ecid_ext',
      'etag.pcp',
    ];
    const rows = tshark(writer.bytes(), [...fields, 'ieee8021ad.id', 'vntag.src', 'vntag.dst', 'ip.proto']);
    expect(rows.map((row) => row.join(';'))).toMatchInlineSnapshot(`
      [
        "eth:ethertype:vlan:ethertype:ip:udp:data;10;5;;;;;;;17",
        "eth:ethertype:ieee8021ad:ethertype:vlan:ethertype:ip:udp:data;10;0;;;;100;;;17",
        "eth:ethertype:etag:ethertype:vlan:ethertype:ip:udp:data;10;3;0x0123;0x45;3;;;;17",
        "eth:ethertype:vntag:ethertype:ip:udp:data;;;;;;;2748;0;17",
      ]
    `);
  });
});

/** The frame that VPort 0 sends to the wire, with the tags of the port. */
function sentBy(configure: (nicSwitch: NicSwitch) => void): Uint8Array {
  const frames = new FramePool({ slots: 1 });
  const nicSwitch = new NicSwitch({ frames, vports: 1 });
  nicSwitch.setVPortEnabled(0, true, true);
  configure(nicSwitch);
  const slot = frames.take();
  const fields = { destination: 0x02_0000_0001_0b, source: 0x02_0000_0001_0a, flow: 1, frameBytes: 64 };
  frames.lengths[slot] = buildTestFrame(fields, frames.u8, frames.offsetOf(slot));
  expect(nicSwitch.route(slot, 0)).toBe(1);
  const buffer = new Uint8Array(60 + MAX_TAG_BYTES);
  return buffer.subarray(0, writeTagged(frames, slot, tagOperation(nicSwitch.targets[0]), buffer));
}
