import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  encodeTlp,
  parseTlp,
  TLP_CHECKS,
  type TlpCheck,
  type TlpPacket,
  type TlpReceiverSettings,
} from '../../../src/pcie/index.ts';
import { anyTlp } from './random-tlp.ts';

const LONG = process.env['SRIOVSIM_LONG'] === '1';
const bytesOf = (text: string) => Uint8Array.from(Buffer.from(text.replaceAll(' ', ''), 'hex'));
const words = (count: number) => '00'.repeat(4 * count);

/** Bytes that break one rule each, beside the settings that it takes. */
const ROWS: readonly (readonly [TlpCheck, string, string, TlpReceiverSettings?])[] = [
  ['header', 'a TLP of no bytes', ''],
  ['header', 'a byte more than double words', '00000001 0100010f 00001000 00'],
  ['header', 'two of three double words', '00000001 0100010f'],
  ['header', 'three of four double words', '20000001 0100010f 00000001'],
  ['header', 'a prefix alone', '8e000000'],
  ['type', 'Type 11111b', '1f000001 0100010f 00001000'],
  ['type', 'a message of three double words', '10000000 01000033 00000000'],
  ['type', 'a configuration request of four', '24000001 0100000f 01000000 00000000'],
  ['type', 'Fmt 101b', 'a0000001 0100000f 01000000 00000000'],
  ['length', 'data behind a read', `00000001 0100010f 00001000 ${words(2)}`],
  ['length', 'a double word less than Length', `40000002 010000ff 00001000`],
  ['length', 'two more than Length', `40000001 0100000f 00001000 ${words(3)}`],
  ['length', 'a Length of 0, which is 1,024', `40000000 010000ff 00001000 ${words(4)}`],
  ['digest', 'TD without ECRC', '00008001 0100010f 00001000'],
  ['digest', 'one double word behind a read without TD', `00000001 0100010f 00001000 ${words(1)}`],
  ['maxPayload', '132 of 128 bytes', `40000021 010000ff 00001000 ${words(33)}`, { maxPayloadBytes: 128 }],
  ['maxPayload', 'a completion too', `4a000021 00080084 01802100 ${words(33)}`, { maxPayloadBytes: 128 }],
  ['trafficClass', 'TC 1 of TC 0', '00100001 0100010f 00001000', { trafficClasses: 1 }],
  ['prefixOrder', 'a local prefix behind an End-End one', '91000000 8e000000 00000001 0100010f 00001000'],
  ['localPrefix', 'type 0101b', '85000000 00000001 0100010f 00001000'],
  ['localPrefix', 'none at all', '8e000000 00000001 0100010f 00001000', { localPrefixes: [] }],
  ['endEndPrefix', 'five of them', `${'91000000'.repeat(5)} 00000001 0100010f 00001000`],
  ['endEndPrefix', 'one of none', '91000000 00000001 0100010f 00001000', { maxEndEndPrefixes: 0 }],
  ['byteEnables', 'a last one at Length 1', '00000001 010001ff 00001000'],
  ['byteEnables', 'no last one at Length 2', '00000002 0100010f 00001000'],
  ['byteEnables', 'no first one at Length 2', '00000002 010001f0 00001000'],
  ['byteEnables', 'a gap in a pair that is not aligned', '00000002 010001f5 00001004'],
  ['byteEnables', 'a gap in three', `40000003 010001fd 00001000 ${words(3)}`],
  ['byteEnables', 'a gap in the last of three', '00000003 0100015f 00001000'],
  ['pageCrossing', 'eight bytes from FFCh', '00000002 010001ff 00000ffc'],
  ['pageCrossing', 'a write too', `40000002 010001ff 00000ffc ${words(2)}`],
  ['pageCrossing', '4,096 bytes from 4', '00000000 010001ff 00000004'],
  ['addressFormat', 'four double words below 4 GiB', '20000001 0100010f 00000000 00001000'],
  ['requestFields', 'a configuration request with TC', '04100001 0000100f 02000000'],
  ['requestFields', 'one of two double words', '04000002 0000100f 02000000'],
  ['requestFields', 'an I/O read with Relaxed Ordering', '02002001 0100010f 0000e020'],
  ['byteEnables', 'a last one of an I/O read', '02000001 010001ff 0000e020'],
  ['byteEnables', 'a last one of a configuration read', '04000001 000010ff 02000000'],
  ['atomicOperand', 'a FetchAdd of twelve bytes', `4c000003 01000100 00003000 ${words(3)}`],
  ['atomicOperand', 'a CAS of one operand', `4e000001 01000100 00003000 ${words(1)}`],
  ['atomicOperand', 'eight bytes at 4', `4d000002 01000100 00003004 ${words(2)}`],
  ['atomicOperand', 'sixteen bytes at 8', `4e000008 01000100 00003008 ${words(8)}`],
  ['messageClass', 'ERR_COR with TC 1', `30100000 01000030 ${words(2)}`],
  ['messageRouting', 'ERR_COR that ends at the receiver', `34000000 01000030 ${words(2)}`],
  ['messageRouting', 'Unlock to the root', `30000000 01000000 ${words(2)}`],
  ['messageRouting', 'ERR_COR at the device', `30000000 01000030 ${words(2)}`, { end: 'device' }],
  ['messageRouting', 'PME_Turn_Off at the root', `33000000 01000019 ${words(2)}`, { end: 'root' }],
  ['completionLength', 'eight of four bytes', `4a000002 00080004 01802100 ${words(2)}`],
  ['readBoundary', 'four of eight bytes', `4a000001 00080008 01802100 ${words(1)}`],
  [
    'readBoundary',
    'up to 64 with a boundary of 128',
    `4a000010 00080080 01802100 ${words(16)}`,
    { readCompletionBoundary: 128 },
  ],
];

const BROKEN = ROWS.map(([check, name, text, settings = {}]) => [check, name, text, settings] as const);

describe('a receiver finds malformed', () => {
  it.each(BROKEN)('by %s: %s', (check, _, text, settings) => {
    const { tlp, violation } = parseTlp(bytesOf(text), settings);
    expect(violation?.check).toBe(check);
    expect(violation?.section).toBe(TLP_CHECKS[check].section);
    expect(tlp).toBeNull();
  });

  it('what breaks any of its rules, of which each is tried above', () => {
    expect(new Set(BROKEN.map(([check]) => check))).toEqual(new Set(Object.keys(TLP_CHECKS)));
  });

  it('nothing by an optional check that it leaves out, and lets no other be left out', () => {
    for (const [check, name, text, settings] of BROKEN) {
      if (TLP_CHECKS[check].optional) {
        const { violation } = parseTlp(bytesOf(text), { ...settings, without: [check] });
        expect(violation, name).toBeNull();
      } else {
        expect(() => parseTlp(bytesOf(text), { without: [check] }), name).toThrow(RangeError);
      }
    }
  });

  it('nothing by what is reserved', () => {
    // Byte 1 bits 1 and 0, and AT, of a configuration request; the low bits of its register.
    expect(parseTlp(bytesOf('04030c01 0000100f 02000003')).violation).toBeNull();
    // Byte enables of an AtomicOp; bit 7 of Lower Address.
    expect(parseTlp(bytesOf(`4c000001 010001ff 00003000 ${words(1)}`)).violation).toBeNull();
    expect(parseTlp(bytesOf('0a000000 01002004 01802180')).violation).toBeNull();
  });

  it('says what is there instead, and where the rule is', () => {
    expect(parseTlp(bytesOf('00000002 010001ff 00000ffc')).violation).toEqual({
      check: 'pageCrossing',
      section: '2.2.7',
      what: 'a memory request does not cross a boundary of 4 KiB; here 8 bytes from FFCh',
    });
  });

  it('any bytes or not, and never throws: each is a TLP or fails one check', () => {
    const seen = new Map<string, number>();
    const look = (bytes: Uint8Array) => {
      const { tlp, violation } = parseTlp(bytes);
      expect((tlp === null) !== (violation === null)).toBe(true);
      // What is taken can be sent again, and is taken as the same.
      if (tlp !== null) {
        const again = encodeTlp(tlp);
        const back = parseTlp(again).tlp;
        expect(back === null ? [] : encodeTlp(back)).toEqual(again);
      }
      const outcome = violation?.check ?? tlp?.kind ?? '';
      seen.set(outcome, (seen.get(outcome) ?? 0) + 1);
    };
    const first = fc.tuple(
      fc.constantFrom(0x00, 0x20, 0x40, 0x60, 0x04, 0x44, 0x0a, 0x4a, 0x4c, 0x30, 0x34, 0x91, 0x02),
      fc.constantFrom(0, 0x10, 0x01),
      fc.constantFrom(0, 0x40, 0x80),
      fc.nat(4),
    );
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 64 }),
      fc
        .tuple(first, fc.nat(8), fc.uint8Array({ minLength: 32, maxLength: 32 }))
        .map(([head, count, rest]) => Uint8Array.of(...head, ...rest.subarray(0, 4 * count))),
    );
    fc.assert(fc.property(bytes, look), { numRuns: LONG ? 1_000_000 : 5000 });
    // TLPs with a bit or a byte wrong, or cut off.
    const change = fc.tuple(fc.nat(), fc.nat(255), fc.constantFrom('flip', 'set', 'cut'));
    fc.assert(
      fc.property(anyTlp(), change, (tlp: TlpPacket, [where, value, how]) => {
        const whole = encodeTlp(tlp);
        const at = where % Math.min(whole.length, 24);
        if (how === 'flip') whole[at] ^= 1 << (value & 7);
        else if (how === 'set') whole[at] = value;
        look(how === 'cut' ? whole.subarray(0, at) : whole);
      }),
      { numRuns: LONG ? 1_000_000 : 3000 },
    );
    expect([...seen.keys()]).toEqual(expect.arrayContaining(['header', 'type', 'length', 'digest', 'MRd']));
  }, 1_200_000);

  it('no limits that do not exist', () => {
    const bytes = bytesOf('00000001 0100010f 00001000');
    for (const wrong of [
      { maxPayloadBytes: 100 },
      { trafficClasses: 256 },
      { readCompletionBoundary: 256 },
      { maxEndEndPrefixes: 5 },
    ])
      expect(() => parseTlp(bytes, wrong), Object.keys(wrong)[0]).toThrow(RangeError);
  });
});
