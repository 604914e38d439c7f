import { describe, expect, it } from 'vitest';
import { FramePriorities } from '../../src/nic/frame-priority.ts';
import { TagEdit } from '../../src/wire/index.ts';
import { Bench, frameBytes, putFrame } from '../nicswitch/fixtures.ts';

const S_TAG = 0x88a8;

/** A frame with tags in its bytes: pairs of EtherType and TCI. */
function tagged(...tags: [type: number, tci: number][]): Uint8Array {
  const bytes = frameBytes({ bytes: 64 });
  const inner = tags.flatMap(([type, tci]) => [type >> 8, type & 0xff, tci >> 8, tci & 0xff]);
  return Uint8Array.from([...bytes.subarray(0, 12), ...inner, ...bytes.subarray(12)]);
}

describe('the priority of a frame in the card', () => {
  const setUp = (outerTags = false) => {
    const { frames, nicSwitch } = new Bench(2);
    if (outerTags) nicSwitch.setDoubleVlan({ outerType: S_TAG });
    const priorities = new FramePriorities(frames, nicSwitch.tables.tags, nicSwitch.uplink);
    return { frames, nicSwitch, priorities, wire: nicSwitch.uplink };
  };

  it.each<[string, boolean, Uint8Array, number, number]>([
    ['0 without a tag', false, frameBytes({}), -1, 0],
    ['that of its tag', false, tagged([0x8100, 0x6005]), -1, 3],
    ['that of the tag beside it', false, frameBytes({}), 0xa005, 5],
    [
      'not that of an outer tag that the switch does not read',
      false,
      tagged([S_TAG, 0xe001], [0x8100, 0x2002]),
      -1,
      0,
    ],
    ['that of the outer tag', true, tagged([S_TAG, 0xe001], [0x8100, 0x2002]), -1, 7],
    ['that of the outer tag in front of one beside it', true, tagged([S_TAG, 0xc001]), 0x2002, 6],
    ['that of the only tag, an inner one', true, tagged([0x8100, 0x2002]), -1, 1],
    ['the E-PCP of its E-Tag', false, tagged([0x893f, 0x8001], [0x0002, 0x0000], [0x8100, 0x2002]), -1, 4],
    [
      'behind a VN-Tag that of the tag there',
      false,
      tagged([0x8926, 0x4000], [0x0001, 0x8100], [0xe002, 0x0800]),
      -1,
      7,
    ],
    ['0 where the frame ends within its tag', false, tagged([0x8100, 0xe000]).subarray(0, 15), -1, 0],
  ])('is %s', (_, outerTags, bytes, beside, priority) => {
    const { frames, priorities, wire } = setUp(outerTags);
    const slot = putFrame(frames, bytes, beside);
    expect(priorities.received(slot, wire)).toBe(priority);
    expect(priorities.sent(slot, TagEdit.NONE)).toBe(priority);
  });

  it('is that of the port where it came in, without a tag', () => {
    const { frames, nicSwitch, priorities, wire } = setUp();
    nicSwitch.setPriorities(1, { defaultPriority: 6 });
    nicSwitch.setPriorities(wire, { defaultPriority: 2 });
    const slot = putFrame(frames, frameBytes({}));
    for (const [port, priority] of [
      [0, 0],
      [1, 6],
      [wire, 2],
    ]) {
      expect(priorities.received(slot, port)).toBe(priority);
      expect(priorities.sent(slot, TagEdit.NONE)).toBe(priority);
    }
  });

  it('is what the regeneration table of a VPort makes of it; from the wire what it has there', () => {
    const { frames, nicSwitch, priorities, wire } = setUp();
    const regeneration = [7, 6, 5, 4, 3, 2, 1, 0];
    for (const port of [0, wire]) nicSwitch.setPriorities(port, { regeneration });
    const slot = putFrame(frames, tagged([0x8100, 0x2005]));
    expect(priorities.received(slot, 0)).toBe(6);
    expect(priorities.received(slot, wire)).toBe(1);
    // The switch puts the tag with the regenerated priority beside the frame.
    nicSwitch.route(slot, 0);
    expect(priorities.sent(slot, TagEdit.STRIP | TagEdit.INSERT)).toBe(6);
  });

  it('is that of an outer tag that is put in', () => {
    const { frames, nicSwitch, priorities, wire } = setUp(true);
    nicSwitch.setServiceVlan(0, 0xa064);
    const slot = putFrame(frames, tagged([0x8100, 0x2005]));
    expect(nicSwitch.route(slot, 0)).toBe(1);
    expect(nicSwitch.targets[0] & 0xffffff).toBe(wire);
    expect(priorities.sent(slot, TagEdit.INSERT_OUTER)).toBe(5);
  });
});
