import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { EtherType } from '../../src/wire/ethernet.ts';
import { packTci, parseVlanTag, tciId, tciPriority, writeVlanTag } from '../../src/wire/vlan.ts';
import { dirty, fromHex, toHex } from './bytes.ts';

const TAG = { etherType: EtherType.SERVICE_VLAN, id: 0x123, priority: 5, dropEligible: true };

describe('a VLAN tag', () => {
  it('is constructed', () => {
    const u8 = dirty(6);
    expect(writeVlanTag(u8, 1, TAG)).toBe(4);
    expect(toHex(u8)).toBe('a588a8b123a5');
  });

  it('is parsed', () => {
    expect(parseVlanTag(fromHex('ff 88a8 b123'), 1, 4)).toEqual(TAG);
  });

  it('is an 802.1Q tag of priority 0 unless told otherwise', () => {
    const u8 = dirty(4);
    writeVlanTag(u8, 0, { id: 100 });
    expect(toHex(u8)).toBe('81000064');
  });

  it('is not found behind another EtherType nor in fewer than 4 bytes', () => {
    expect(parseVlanTag(fromHex('08004500'), 0, 4)).toBeUndefined();
    expect(parseVlanTag(fromHex('81000064'), 0, 3)).toBeUndefined();
  });

  it('refuses fields that do not fit, and writes nothing then', () => {
    const u8 = dirty(4);
    for (const bad of [{ id: 4096 }, { id: -1 }, { id: 1, priority: 8 }, { id: 1, etherType: 0x9100 }]) {
      expect(() => writeVlanTag(u8, 0, bad)).toThrow(RangeError);
    }
    expect(toHex(u8)).toBe('a5a5a5a5');
  });

  it('keeps its fields through the TCI', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 4095 }),
        fc.integer({ min: 0, max: 7 }),
        fc.boolean(),
        (id, priority, dropEligible) => {
          const tci = packTci({ id, priority, dropEligible });
          expect([tciId(tci), tciPriority(tci), (tci & 0x1000) !== 0]).toEqual([id, priority, dropEligible]);
        },
      ),
    );
  });
});
