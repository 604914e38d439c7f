import { describe, expect, it } from 'vitest';
import { FramePool } from '../../src/base/index.ts';
import { ProbeKind } from '../../src/kernel/index.ts';
import { DROP, DROP_REASONS } from '../../src/nicswitch/drop-reason.ts';
import { TAG_AS_IS, TAG_INSERT, TAG_SHIFT, TAG_STRIP } from '../../src/nicswitch/index.ts';
import { FrameCapture } from '../../src/trace/index.ts';
import { frame } from '../wire/capture-files.ts';
import {
  COMMENT,
  FLAGS,
  interfaceNames,
  numberOption,
  PACKET_ID,
  packetBlocks,
  QUEUE,
  textOption,
} from '../wire/pcapng-packets.ts';

const { TX_DESCRIPTOR, FRAME_IN, FRAME_OUT, FRAME_DROPPED } = ProbeKind;
const UPLINK = 2;
const ADDRESSES = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12];
const PAYLOAD = [0x08, 0x00, 0x45, 0x46];
const UNTAGGED = [...ADDRESSES, ...PAYLOAD];
const tagged = (tci: number) => [...ADDRESSES, 0x81, 0x00, tci >> 8, tci & 0xff, ...PAYLOAD];

/** A capture of two VPorts, of which only the first is known before, and of the uplink. */
function rig() {
  const frames = new FramePool({ slots: 4, slotBytes: 64 });
  const capture = new FrameCapture({
    frames,
    interfaces: [{ name: 'port' }, { name: 'a' }],
    nameOf: (port) => (port === UPLINK ? 'port' : 'ab'[port]),
    queueOf: (port) => (port === UPLINK ? -1 : 2 * port),
    cardReasons: ['noDescriptor'],
  });
  const put = (bytes: ArrayLike<number>, tci = -1) => {
    const slot = frames.take();
    frames.u8.set(bytes, frames.offsetOf(slot));
    frames.lengths[slot] = bytes.length;
    frames.outerTci[slot] = tci;
    return slot;
  };
  const seen = () => {
    const names = interfaceNames(capture.bytes());
    return packetBlocks(capture.bytes()).map(({ options, ...packet }) => ({
      at: names[packet.interface],
      way: numberOption(options, FLAGS) === 1 ? 'in' : 'out',
      bytes: [...packet.bytes],
      ns: Number(packet.time),
      id: numberOption(options, PACKET_ID),
      queue: numberOption(options, QUEUE),
      comment: textOption(options, COMMENT),
    }));
  };
  return { frames, capture, put, seen };
}

describe('a frame capture', () => {
  it('has a frame where it comes in and where it goes out, with its times, and one ID', () => {
    const { capture, put, seen } = rig();
    const slot = put(frame(60));
    capture.record(1_000_999, TX_DESCRIPTOR, 3, 17, slot);
    capture.record(1_000_999, FRAME_IN, slot, 0, 60);
    capture.record(2_000_000, FRAME_OUT, slot, UPLINK, 60);
    const bytes = [...frame(60)];
    expect(seen()).toEqual([
      { at: 'a', way: 'in', bytes, ns: 1000, id: 1, queue: 3, comment: undefined },
      { at: 'port', way: 'out', bytes, ns: 2000, id: 1, queue: undefined, comment: undefined },
    ]);
    expect(capture.packets).toBe(2);
  });

  it('gives the next frame in a slot another ID, and no queue if it comes from the wire', () => {
    const { capture, put, seen } = rig();
    const slot = put(frame(60));
    capture.record(0, TX_DESCRIPTOR, 3, 17, slot);
    capture.record(0, FRAME_IN, slot, 0, 60);
    capture.record(0, FRAME_IN, slot, UPLINK, 60);
    expect(seen().map(({ id, queue }) => [id, queue])).toEqual([
      [1, 3],
      [2, undefined],
    ]);
  });

  it('describes an interface that was not known before when its first frame is there', () => {
    const { capture, put } = rig();
    const names = () => interfaceNames(capture.bytes());
    expect(names()).toEqual(['port', 'a']);
    capture.record(0, FRAME_IN, put(frame(60)), 1, 60);
    expect(names()).toEqual(['port', 'a', 'b']);
  });

  it('has the tag that a descriptor asks for in a frame that comes in, and not the one of the port VLAN', () => {
    const { frames, capture, put, seen } = rig();
    const slot = put(UNTAGGED, 0xa064);
    capture.record(0, FRAME_IN, slot, 0, UNTAGGED.length);
    frames.outerTci[slot] = 200;
    capture.record(0, FRAME_DROPPED, slot, 0, DROP.vlanSpoof);
    expect(seen().map(({ bytes }) => bytes)).toEqual([tagged(0xa064), tagged(0xa064)]);
  });

  it.each([
    ['as it is', TAG_AS_IS, UNTAGGED, 100, UNTAGGED],
    ['with a tag put in', TAG_INSERT, UNTAGGED, 100, tagged(100)],
    ['with the tag taken out', TAG_STRIP, tagged(100), -1, UNTAGGED],
    ['as it is if it is too short for a tag', TAG_INSERT, [1, 2, 3], 100, [1, 2, 3]],
  ])(
    'has a frame that goes out %s, also where the card drops it there',
    (_, operation, bytes, tci, wanted) => {
      const { frames, capture, put, seen } = rig();
      const slot = put(bytes);
      capture.record(0, FRAME_IN, slot, UPLINK, bytes.length);
      frames.outerTci[slot] = tci;
      capture.record(0, FRAME_OUT, slot, (operation << TAG_SHIFT) | 1, bytes.length);
      capture.record(0, FRAME_DROPPED, slot, 1, DROP_REASONS.length);
      expect(seen().map((packet) => packet.bytes)).toEqual([bytes, wanted, wanted]);
    },
  );

  it('tells why a frame is dropped: by the switch where it came in, by the card at its receiver', () => {
    const { capture, put, seen } = rig();
    const slot = put(frame(60));
    capture.record(0, TX_DESCRIPTOR, 1, 0, slot);
    capture.record(0, FRAME_IN, slot, 0, 60);
    capture.record(0, FRAME_DROPPED, slot, 0, DROP.noMatch);
    capture.record(0, FRAME_IN, slot, UPLINK, 60);
    capture.record(0, FRAME_DROPPED, slot, UPLINK, DROP.macSpoof);
    capture.record(0, FRAME_IN, slot, UPLINK, 60);
    capture.record(0, FRAME_OUT, slot, 1, 60);
    capture.record(0, FRAME_DROPPED, slot, 1, DROP_REASONS.length);
    const drops = seen().filter(({ comment }) => comment !== undefined);
    expect(drops.map(({ at, way, id, comment }) => [at, way, id, comment])).toEqual([
      ['a', 'in', 1, 'dropped: noMatch, queue 1'],
      ['port', 'in', 2, 'dropped: macSpoof'],
      ['b', 'out', 3, 'dropped: noDescriptor, queue 2'],
    ]);
  });

  it('has frames without an ID that came in before it looked', () => {
    const { capture, put, seen } = rig();
    capture.record(0, FRAME_OUT, put(frame(60)), 0, 60);
    expect(seen().map(({ way, id }) => [way, id])).toEqual([['out', undefined]]);
  });

  it('passes over what is no frame', () => {
    const { capture } = rig();
    capture.record(0, ProbeKind.PAGE_WALK, 1, 2, 3);
    capture.record(0, ProbeKind.INTERRUPT, 1, 2, 3);
    expect(capture.packets).toBe(0);
  });
});
