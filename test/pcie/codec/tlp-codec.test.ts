import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  encodeTlp,
  encodeTlpHeader,
  isNonPosted,
  lengthOf,
  parseTlp,
  pasidOf,
  pasidPrefix,
  TLP_TYPES,
  TlpKind,
  type TlpPacket,
} from '../../../src/pcie/index.ts';
import { ALL_TYPES, anyTlp } from './random-tlp.ts';

const LONG = process.env['SRIOVSIM_LONG'] === '1';
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');
const bytesOf = (text: string) => Uint8Array.from(Buffer.from(text.replaceAll(' ', ''), 'hex'));
const NONE = new Uint8Array(0);
const of = (...bytes: number[]) => Uint8Array.from(bytes);
const base = { requester: 0x0100, tag: 1 };

/** TLPs written out by hand from the figures of PCI Express Base 2.2. */
const PACKETS: readonly (readonly [string, TlpPacket, string])[] = [
  [
    'a Memory Read above 4 GiB',
    { ...base, kind: 'MRd', tag: 31, address: 0x1_2345_6780n, words: 128, firstEnables: 15, lastEnables: 15 },
    '20000080 01001fff 00000001 23456780',
  ],
  [
    'a locked Memory Read',
    { ...base, kind: 'MRdLk', address: 0x1000n, words: 1, firstEnables: 15, lastEnables: 0 },
    '01000001 0100010f 00001000',
  ],
  [
    'a Memory Write with its data',
    {
      ...base,
      kind: 'MWr',
      tag: 0,
      address: 0x1000n,
      firstEnables: 6,
      lastEnables: 0,
      payload: of(0, 1, 2, 3),
    },
    '40000001 01000006 00001000 00010203',
  ],
  [
    'a translated Memory Write at the top of the address space, with IDO, RO and TC 5',
    {
      ...base,
      kind: 'MWr',
      tag: 0,
      trafficClass: 5,
      attributes: 6,
      addressType: 2,
      address: 2n ** 64n - 4n,
      firstEnables: 15,
      lastEnables: 0,
      payload: of(1, 2, 3, 4),
    },
    '60542801 0100000f ffffffff fffffffc 01020304',
  ],
  [
    'a Memory Write with a Processing Hint, whose Steering Tag is where the tag was',
    {
      ...base,
      kind: 'MWr',
      tag: 0,
      address: 0x2000n,
      firstEnables: 15,
      lastEnables: 0,
      hints: { processingHint: 2, steeringTag: 0xab },
      payload: of(9, 9, 9, 9),
    },
    '40010001 0100ab0f 00002002 09090909',
  ],
  [
    'a Memory Read with a Processing Hint, whose Steering Tag is where the byte enables were',
    {
      ...base,
      kind: 'MRd',
      address: 0x2000n,
      words: 4,
      firstEnables: 15,
      lastEnables: 15,
      hints: { processingHint: 1, steeringTag: 0x7e },
    },
    '00010004 0100017e 00002001',
  ],
  [
    'an I/O read',
    { ...base, kind: 'IORd', address: 0xe020, firstEnables: 1, payload: NONE },
    '02000001 01000101 0000e020',
  ],
  [
    'an I/O write',
    { ...base, kind: 'IOWr', address: 0xe020, firstEnables: 15, payload: of(1, 2, 3, 4) },
    '42000001 0100010f 0000e020 01020304',
  ],
  [
    'a configuration write of type 0',
    {
      kind: 'CfgWr0',
      requester: 0,
      tag: 16,
      target: 0x0100,
      register: 0x170,
      firstEnables: 3,
      payload: of(8, 0, 0, 0),
    },
    '44000001 00001003 01000170 08000000',
  ],
  [
    'a configuration read of type 1',
    { kind: 'CfgRd1', requester: 0, tag: 16, target: 0x0180, register: 0, firstEnables: 15, payload: NONE },
    '05000001 0000100f 01800000',
  ],
  [
    'ERR_FATAL to the root complex',
    {
      kind: 'Msg',
      requester: 0x0100,
      tag: 0,
      routing: 0,
      code: 0x33,
      parameters: new Uint8Array(8),
      payload: NONE,
    },
    '30000000 01000033 00000000 00000000',
  ],
  [
    'Set_Slot_Power_Limit, which ends at the receiver',
    {
      kind: 'MsgD',
      requester: 0x0008,
      tag: 0,
      routing: 4,
      code: 0x50,
      parameters: new Uint8Array(8),
      payload: of(0x19, 0, 0, 0),
    },
    '74000001 00080050 00000000 00000000 19000000',
  ],
  [
    'a FetchAdd of four bytes',
    { ...base, kind: 'FetchAdd', address: 0x3000n, payload: of(1, 0, 0, 0) },
    '4c000001 01000100 00003000 01000000',
  ],
  [
    'a Swap of eight bytes',
    { ...base, kind: 'Swap', address: 0x1_0000_3008n, payload: of(1, 2, 3, 4, 5, 6, 7, 8) },
    '6d000002 01000100 00000001 00003008 01020304 05060708',
  ],
  [
    'a CAS of four bytes: what is compared, what is stored',
    { ...base, kind: 'CAS', address: 0x3004n, payload: of(1, 0, 0, 0, 2, 0, 0, 0) },
    '4e000002 01000100 00003004 01000000 02000000',
  ],
  [
    'a completion with data',
    {
      kind: 'CplD',
      requester: 0x0180,
      tag: 0x21,
      completer: 0x0008,
      status: 0,
      byteCount: 4,
      lowerAddress: 4,
      payload: of(1, 2, 3, 4),
    },
    '4a000001 00080004 01802104 01020304',
  ],
  [
    'a completion of a locked read with Unsupported Request',
    {
      kind: 'CplLk',
      requester: 0x0180,
      tag: 0x21,
      completer: 0x0100,
      status: 1,
      byteCount: 4,
      lowerAddress: 0,
      payload: NONE,
    },
    '0b000000 01002004 01802100',
  ],
  [
    'a completion of a locked read with data',
    {
      kind: 'CplDLk',
      requester: 0x0180,
      tag: 0x3ff,
      completer: 0x0100,
      status: 0,
      byteCount: 3,
      lowerAddress: 0x7d,
      payload: of(0, 1, 2, 3),
    },
    '4b880001 01000003 0180ff7d 00010203',
  ],
  [
    'a Memory Read behind a vendor prefix of the link and a PASID prefix',
    {
      ...base,
      kind: 'MRd',
      prefixes: [
        { scope: 'local', type: 14, content: 0x123456 },
        pasidPrefix({ pasid: 0xabcde, executeRequested: true, privilegedModeRequested: false }),
      ],
      address: 0x1000n,
      words: 1,
      firstEnables: 0,
      lastEnables: 0,
    },
    '8e123456 914abcde 00000001 01000100 00001000',
  ],
];

describe('a TLP', () => {
  it.each(PACKETS)('that is %s is laid out as the specification says', (_, tlp, expected) => {
    expect(hex(encodeTlp(tlp))).toBe(expected.replaceAll(' ', ''));
  });

  it.each(PACKETS)('that is %s is read back', (_, tlp, text) => {
    const parsed = parseTlp(bytesOf(text));
    expect(parsed.violation).toBeNull();
    expect(parsed.tlp).toMatchObject(tlp);
    expect(parsed.ecrc).toBe('absent');
  });

  it('of every type there is appears above', () => {
    expect(new Set([...PACKETS.map(([, { kind }]) => kind), 'Cpl', 'CfgRd0', 'CfgWr1'])).toEqual(
      new Set(ALL_TYPES),
    );
  });

  it('is itself again after encoding and parsing: parse(encode(x)) = x', () => {
    let looked = 0;
    fc.assert(
      fc.property(anyTlp(), (tlp) => {
        const bytes = encodeTlp(tlp);
        const { tlp: back, violation, ecrc } = parseTlp(bytes);
        expect(violation).toBeNull();
        expect(ecrc).toBe(tlp.digest ? 'good' : 'absent');
        // Field by field for the first ones, which takes longest; all by their bytes.
        if (looked++ < 3000) expect(back).toEqual(tlp);
        expect(Buffer.compare(encodeTlp(back as TlpPacket), bytes)).toBe(0);
      }),
      { numRuns: LONG ? 1_000_000 : 3000 },
    );
  }, 1_200_000);

  it('has the header that a capture of the link writes for it', () => {
    fc.assert(
      fc.property(anyTlp(), (tlp) => {
        if (tlp.kind !== 'MRd' || tlp.address >= 2n ** 53n) return;
        const bare: TlpPacket = { ...tlp, prefixes: [], digest: false, hints: null, addressType: 0 };
        const header = { ...bare, kind: TlpKind.MEMORY_READ, address: Number(tlp.address) } as const;
        expect(hex(encodeTlp(bare))).toBe(hex(encodeTlpHeader(header)));
      }),
    );
  });

  it('takes nothing that does not fit its field', () => {
    const read = PACKETS[0][1];
    for (const wrong of [
      { requester: 0x10000 },
      { tag: 1024 },
      { trafficClass: 8 },
      { attributes: 8 },
      { addressType: 4 },
      { address: 2n },
      { address: 2n ** 64n },
      { address: -4n },
      { words: 0 },
      { words: 1025 },
      { firstEnables: 16 },
      { hints: { processingHint: 4, steeringTag: 0 } },
      { hints: { processingHint: 0, steeringTag: 256 } },
      { prefixes: [{ scope: 'local', type: 16, content: 0 }] },
      { prefixes: [{ scope: 'local', type: 0, content: 2 ** 24 }] },
    ])
      expect(() => encodeTlp({ ...read, ...wrong } as TlpPacket), Object.keys(wrong)[0]).toThrow(RangeError);
    expect(() => encodeTlp({ ...read, address: 4 } as unknown as TlpPacket)).toThrow(/bigint/);
    const write = PACKETS[2][1];
    for (const length of [0, 3, 4100])
      expect(() => encodeTlp({ ...write, payload: new Uint8Array(length) } as TlpPacket)).toThrow(RangeError);
    expect(() => encodeTlp({ ...PACKETS[6][1], payload: of(1, 2, 3, 4) } as TlpPacket)).toThrow(RangeError);
  });

  it('says its length, and whether somebody answers it', () => {
    for (const [name, tlp] of PACKETS) {
      const expected = ['MWr', 'Msg', 'MsgD'].includes(tlp.kind) || tlp.kind.startsWith('Cpl');
      expect(isNonPosted(tlp), name).toBe(!expected);
      expect(lengthOf(tlp) > 0, name).toBe(TLP_TYPES[tlp.kind].carriesData || !/^(Msg|Cpl)/.test(tlp.kind));
    }
  });
});

describe('the ECRC', () => {
  const withDigest: TlpPacket = { ...(PACKETS[2][1] as TlpPacket), digest: true };

  it('is that of the header with Type[0] and EP set, and of the payload', () => {
    const bytes = encodeTlp(withDigest);
    expect(bytes.length).toBe(20);
    // The same CRC as Ethernet's, over 4100c001 01000006 00001000 00010203, its lowest byte first.
    expect(hex(bytes.subarray(16))).toBe('d9836532');
  });

  it('does not change with EP and Type[0], which may change on the way', () => {
    const bytes = encodeTlp(withDigest);
    bytes[2] |= 0x40;
    expect(parseTlp(bytes)).toMatchObject({ ecrc: 'good', tlp: { poisoned: true } });
    const config = encodeTlp({ ...(PACKETS[8][1] as TlpPacket), digest: true });
    config[0] |= 1;
    expect(parseTlp(config)).toMatchObject({ ecrc: 'good', tlp: { kind: 'CfgWr1' } });
  });

  it('is bad after any other bit has changed, but for local prefixes', () => {
    const prefixes = [
      { scope: 'local', type: 14, content: 1 },
      { scope: 'end-end', type: 1, content: 2 },
    ] as const;
    const bytes = encodeTlp({ ...withDigest, prefixes });
    for (let bit = 0; bit < 8 * bytes.length; bit++) {
      const hit = bytes.slice();
      hit[bit >> 3] ^= 0x80 >> (bit & 7);
      const { ecrc, violation } = parseTlp(hit);
      if (violation !== null && ecrc === 'absent') continue;
      // Bit 3 makes an End-End prefix of the local one.
      const isVariant = bit >> 3 === 10 && (bit & 7) === 1;
      expect(ecrc, `bit ${bit}`).toBe((bit < 32 && bit !== 3) || isVariant ? 'good' : 'bad');
    }
  });
});

describe('a PASID prefix', () => {
  it('says address space, execution and privilege', () => {
    const fields = { pasid: 0xfffff, executeRequested: false, privilegedModeRequested: true };
    expect(pasidOf(pasidPrefix(fields))).toEqual(fields);
    expect(pasidPrefix(fields)).toEqual({ scope: 'end-end', type: 1, content: 0x8fffff });
    expect(pasidOf({ scope: 'local', type: 1, content: 0 })).toBeNull();
    expect(() => pasidPrefix({ ...fields, pasid: 2 ** 20 })).toThrow(RangeError);
  });
});
