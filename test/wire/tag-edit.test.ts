import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FramePool } from '../../src/base/index.ts';
import {
  eChannel,
  isEChannelGroup,
  MAX_E_CHANNEL,
  MAX_TAG_BYTES,
  MAX_TAGGED_HEADER_BYTES,
  packTci,
  parseEChannel,
  parseETag,
  parseTagStack,
  parseVlanTag,
  parseVnTag,
  TagEdit,
  taggedBytes,
  writeETag,
  writeTagged,
  writeTaggedHeader,
  writeVlanTag,
  writeVnTag,
} from '../../src/wire/index.ts';
import { dirty, fromHex, toHex } from './bytes.ts';

const ADDRESSES = 'ffffffffffff02000000010a';
const { STRIP, INSERT, STRIP_OUTER, INSERT_OUTER, STRIP_VIRTUAL, INSERT_VIRTUAL, BEHIND_OUTER } = TagEdit;

/** What the frame becomes, without its addresses; beside it are the tags of all kinds. */
function edited(frame: string, edit: number, extension = 0x0203): string {
  const frames = new FramePool({ slots: 2 });
  frames.take();
  const slot = frames.take();
  const bytes = fromHex(ADDRESSES + frame);
  frames.u8.set(bytes, frames.offsetOf(slot));
  frames.lengths[slot] = bytes.length;
  frames.outerTci[slot] = 0x2064;
  frames.serviceTag[slot] = 0x88a8_4005 | 0;
  frames.virtualTag[slot] = 0x6000_1007;
  frames.virtualTagExtension[slot] = extension;
  const target = dirty(3 + bytes.length + MAX_TAG_BYTES);
  const length = writeTagged(frames, slot, edit, target, 3);
  expect(length).toBe(taggedBytes(frames, slot, edit));
  expect(toHex(frames.u8.subarray(frames.offsetOf(slot), frames.offsetOf(slot) + bytes.length))).toBe(
    toHex(bytes),
  );
  expect(toHex(target.subarray(0, 3))).toBe('a5a5a5');
  expect(writeTaggedHeader(frames, slot, edit, dirty(MAX_TAGGED_HEADER_BYTES), 0)).toBeLessThanOrEqual(
    MAX_TAGGED_HEADER_BYTES,
  );
  const text = toHex(target.subarray(3, 3 + length));
  expect(text.startsWith(ADDRESSES)).toBe(true);
  return text.slice(ADDRESSES.length);
}

describe('tags that are edited on the way out', () => {
  it.each<[string, string, number, string]>([
    ['nothing', '0800aabb', TagEdit.NONE, '0800aabb'],
    ['a tag put in', '0800aabb', INSERT, '810020640800aabb'],
    ['a tag left out', '8100000a0800aabb', STRIP, '0800aabb'],
    ['a tag replaced', '8100000a0800aabb', STRIP | INSERT, '810020640800aabb'],
    ['two tags put in', '0800aabb', INSERT | INSERT_OUTER, '88a84005810020640800aabb'],
    ['an outer tag put in around a tag', '8100000a0800', INSERT_OUTER, '88a840058100000a0800'],
    ['two tags left out', '88a800018100000a0800', STRIP | STRIP_OUTER, '0800'],
    ['the outer of two left out', '88a800018100000a0800', STRIP_OUTER, '8100000a0800'],
    ['the outer replaced', '88a800018100000a0800', STRIP_OUTER | INSERT_OUTER, '88a840058100000a0800'],
    ['the inner of two left out', '88a800018100000a0800', STRIP | BEHIND_OUTER, '88a800010800'],
    ['an inner put in', '88a800010800', INSERT | BEHIND_OUTER, '88a80001810020640800'],
    ['the inner replaced', '88a800018100000a0800', STRIP | INSERT | BEHIND_OUTER, '88a80001810020640800'],
    ['an E-Tag put in', '0800aabb', INSERT_VIRTUAL, '893f6000100702030800aabb'],
    ['all put in', '0800', INSERT_VIRTUAL | INSERT_OUTER | INSERT, '893f60001007020388a84005810020640800'],
    ['an E-Tag left out', '893f00000001000008000a', STRIP_VIRTUAL, '08000a'],
    ['a VN-Tag left out', '89268001000008000a', STRIP_VIRTUAL, '08000a'],
    [
      'an E-Tag and the tag behind it left out',
      '893f0000000100008100000a0800',
      STRIP_VIRTUAL | STRIP,
      '0800',
    ],
    [
      'an E-Tag and the inner of two left out',
      '893f00000001000088a800018100000a0800',
      STRIP_VIRTUAL | STRIP | BEHIND_OUTER,
      '88a800010800',
    ],
  ])('%s', (_, frame, edit, expected) => {
    expect(edited(frame, edit)).toBe(expected);
  });

  it('a VN-Tag put in', () => {
    expect(edited('0800aabb', INSERT_VIRTUAL, -1)).toBe('8926600010070800aabb');
  });

  it('a frame without room for two addresses stays as it is', () => {
    const frames = new FramePool({ slots: 1 });
    const slot = frames.take();
    frames.u8.set([1, 2, 3]);
    frames.lengths[slot] = 3;
    const target = dirty(40);
    expect(writeTagged(frames, slot, INSERT | STRIP_VIRTUAL, target)).toBe(3);
    expect(toHex(target.subarray(0, 4))).toBe('010203a5');
  });
});

const bits = (count: number) => fc.integer({ min: 0, max: 2 ** count - 1 });
const vlanTag = fc.record({
  etherType: fc.constantFrom(0x8100, 0x88a8),
  id: bits(12),
  priority: bits(3),
  dropEligible: fc.boolean(),
});
const vnTag = fc.record({
  toCard: fc.boolean(),
  pointer: fc.boolean(),
  destinationVif: bits(14),
  looped: fc.boolean(),
  version: bits(2),
  sourceVif: bits(12),
});
const eTag = fc.record({
  priority: bits(3),
  dropEligible: fc.boolean(),
  ingressBase: bits(12),
  group: bits(2),
  base: bits(12),
  ingressExtension: bits(8),
  extension: bits(8),
});
const anyTag = fc.oneof(
  vlanTag.map((tag) => ({ kind: 'vlan' as const, tag })),
  vnTag.map((tag) => ({ kind: 'vntag' as const, tag })),
  eTag.map((tag) => ({ kind: 'etag' as const, tag })),
);

describe('tags that are written and parsed', () => {
  it('are the same again', () => {
    fc.assert(
      fc.property(vlanTag, vnTag, eTag, bits(4), (vlan, vn, e, offset) => {
        const u8 = dirty(32);
        const left = u8.length - offset;
        writeVlanTag(u8, offset, vlan);
        expect(parseVlanTag(u8, offset, left)).toEqual(vlan);
        writeVnTag(u8, offset, vn);
        expect(parseVnTag(u8, offset, left)).toEqual(vn);
        writeETag(u8, offset, e);
        expect(parseETag(u8, offset, left)).toEqual(e);
        expect(packTci(vlan) & 0xfff).toBe(vlan.id);
      }),
    );
  });

  it('are the same again inside each other, and are not found in fewer bytes', () => {
    fc.assert(
      fc.property(fc.array(anyTag, { maxLength: 5 }), (tags) => {
        const u8 = dirty(80);
        let at = 12;
        for (const { kind, tag } of tags) {
          if (kind === 'vlan') at += writeVlanTag(u8, at, tag);
          else if (kind === 'vntag') at += writeVnTag(u8, at, tag);
          else at += writeETag(u8, at, tag);
        }
        u8.set([0x08, 0x00], at);
        expect(parseTagStack(u8, 0, at + 2)).toEqual({ tags, etherType: 0x0800, payloadOffset: at + 2 });
        for (let bytes = 0; bytes < at + 2; bytes++) expect(parseTagStack(u8, 0, bytes)).toBeUndefined();
      }),
    );
  });

  it('name E-channels by one number, and back', () => {
    fc.assert(
      fc.property(bits(2), bits(12), bits(8), (group, base, extension) => {
        const channel = eChannel({ group, base, extension });
        expect(parseEChannel(channel)).toEqual({ group, base, extension });
        expect(isEChannelGroup(channel)).toBe(group > 0);
        expect(channel).toBeLessThanOrEqual(MAX_E_CHANNEL);
      }),
    );
    expect(eChannel({ base: 5 })).toBe(5);
    expect(() => eChannel({ base: 4096 })).toThrow(RangeError);
    expect(() => eChannel({ base: 1, group: 4 })).toThrow(RangeError);
    expect(() => eChannel({ base: 1, extension: 256 })).toThrow(RangeError);
  });
});
