import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  encodeFlitTlp,
  encodeTlp,
  FLIT_CHECKS,
  type FlitCheck,
  type FlitTlp,
  flitTlpBytes,
  OHC_BYTES,
  ohcBytes,
  parseFlitTlp,
  parseTlp,
  TlpKind,
  type TlpPacket,
  type TlpReceiverSettings,
} from '../../../src/pcie/index.ts';
import { ALL_TYPES, anyTlp } from './random-tlp.ts';

const LONG = process.env['SRIOVSIM_LONG'] === '1';
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');
const bytesOf = (text: string) => Uint8Array.from(Buffer.from(text.replaceAll(' ', ''), 'hex'));
const NONE = new Uint8Array(0);
const of = (...bytes: number[]) => Uint8Array.from(bytes);
const base = { requester: 0x0100, tag: 0x2301 };

/** TLPs laid out by hand, field by field. */
const PACKETS: readonly (readonly [string, FlitTlp, string])[] = [
  [
    'a Memory Read below 4 GiB, whose Type is another than that of a NOP',
    { ...base, kind: 'MRd', address: 0x1000n, words: 4, firstEnables: 15, lastEnables: 15 },
    '03000004 01002301 00001000',
  ],
  [
    'a Memory Read above 4 GiB, translated, with TC 5, IDO and Relaxed Ordering',
    {
      ...base,
      kind: 'MRd',
      trafficClass: 5,
      attributes: 6,
      addressType: 2,
      address: 0x1_2345_6780n,
      words: 128,
      firstEnables: 15,
      lastEnables: 15,
    },
    '20a01880 01002301 00000001 23456782',
  ],
  [
    'a Memory Read of some bytes: OHC-A1',
    { ...base, kind: 'MRd', address: 0x1000n, words: 2, firstEnables: 12, lastEnables: 3 },
    '03010002 01002301 00001000 0000003c',
  ],
  [
    'a Memory Write with an address space, poisoned',
    {
      ...base,
      kind: 'MWr',
      poisoned: true,
      address: 0x1000n,
      firstEnables: 15,
      lastEnables: 0,
      pasid: { pasid: 0x12345, executeRequested: true, privilegedModeRequested: false },
      payload: of(1, 2, 3, 4),
    },
    '40010001 0100a301 00001000 5123450f 01020304',
  ],
  [
    'a translation request that does not write: NW',
    {
      ...base,
      kind: 'MRd',
      addressType: 1,
      address: 0x2000n,
      words: 2,
      firstEnables: 15,
      lastEnables: 15,
      noWrite: true,
    },
    '03010002 01002301 00002001 800000ff',
  ],
  [
    'a Memory Write with hints, and content that is not looked into',
    {
      ...base,
      kind: 'MWr',
      address: 0x1000n,
      firstEnables: 15,
      lastEnables: 0,
      steering: { hintsValid: 1, processingHint: 2, steeringTag: 0xabcd, attributes: 5 },
      contentC: 0xc0ffee01,
      contentE: [0x9e000001, 0x9e000002],
      payload: of(1, 2, 3, 4),
    },
    '40160001 01002301 00001000 00abcd9b c0ffee01 9e000001 9e000002 01020304',
  ],
  [
    'an I/O write: OHC-A2',
    { ...base, kind: 'IOWr', address: 0xe020, firstEnables: 15, payload: of(1, 2, 3, 4) },
    '42010001 01002301 0000e020 0000000f 01020304',
  ],
  [
    'a configuration read in another segment: OHC-A3',
    {
      ...base,
      kind: 'CfgRd0',
      target: 0x0180,
      register: 0x17c,
      firstEnables: 15,
      destinationSegment: 7,
      payload: NONE,
    },
    '04010001 01002301 0180017c 0700800f',
  ],
  [
    'a FetchAdd of four bytes',
    { ...base, kind: 'FetchAdd', address: 0x3000n, payload: of(1, 0, 0, 0) },
    '4c000001 01002301 00003000 01000000',
  ],
  [
    'ERR_FATAL to the root complex, without a tag',
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
    'a message by ID with an address space and a segment: OHC-A4',
    {
      kind: 'Msg',
      requester: 0x0100,
      tag: 0,
      routing: 2,
      code: 0x05,
      parameters: of(2, 0, 0, 0, 0, 0, 0, 0),
      pasid: { pasid: 0xabcde, executeRequested: false, privilegedModeRequested: false },
      destinationSegment: 3,
      payload: NONE,
    },
    '32010000 01000005 02000000 00000000 03bccade',
  ],
  [
    'a completion with data from a multiple of four: no more than the header base',
    {
      kind: 'CplD',
      requester: 0x0180,
      tag: 0x2301,
      completer: 0x0008,
      status: 0,
      byteCount: 4,
      lowerAddress: 0x54,
      payload: of(1, 2, 3, 4),
    },
    '4a000001 00086301 01805004 01020304',
  ],
  [
    'a completion with Completer Abort: OHC-A5',
    {
      kind: 'Cpl',
      requester: 0x0180,
      tag: 1,
      completer: 0x0100,
      status: 4,
      byteCount: 4,
      lowerAddress: 3,
      completerSegment: 9,
      payload: NONE,
    },
    '0a010000 01000001 01800004 0009001c',
  ],
];

/** The same packet as Flit Mode can say it, with whatever content its kind can have. */
const anyFlitTlp = fc
  .record({
    tlp: anyTlp(),
    tag: fc.nat(0x3fff),
    space: fc.option(
      fc.record({
        pasid: fc.nat(0xfffff),
        executeRequested: fc.boolean(),
        privilegedModeRequested: fc.boolean(),
      }),
    ),
    noWrite: fc.boolean(),
    segment: fc.option(fc.nat(255)),
    completerSegment: fc.nat(255),
    steering: fc.option(
      fc.record({
        hintsValid: fc.nat(3),
        processingHint: fc.nat(3),
        steeringTag: fc.nat(0xffff),
        attributes: fc.option(fc.nat(7)),
      }),
    ),
    contentC: fc.option(fc.nat(0xffff_ffff)),
    contentE: fc.constantFrom([], [1], [0xffff_ffff, 2], [1, 2, 3, 4]),
  })
  .map(({ tlp, tag, space, noWrite, segment, completerSegment, steering, contentC, contentE }): FlitTlp => {
    const isMessage = tlp.kind === 'Msg' || tlp.kind === 'MsgD';
    const isById = isMessage && tlp.routing === 2;
    const isMemory = 'addressType' in tlp;
    const isCompletion = 'completer' in tlp;
    const hasSegment = isById || isCompletion || 'target' in tlp;
    const plain = { executeRequested: false, privilegedModeRequested: false };
    const pasid = isById && space !== null ? { ...space, ...plain } : space;
    return {
      ...tlp,
      ...(isMemory ? { hints: null } : {}),
      prefixes: [],
      tag: isMessage ? 0 : tag,
      pasid: isMemory || isMessage ? pasid : null,
      noWrite: isMemory && noWrite,
      destinationSegment: hasSegment ? segment : null,
      completerSegment: isCompletion ? completerSegment : 0,
      steering,
      contentC,
      contentE,
    } as FlitTlp;
  });

describe('a TLP of Flit Mode', () => {
  it.each(PACKETS)('that is %s is laid out as the specification says', (_, tlp, expected) => {
    expect(hex(encodeFlitTlp(tlp))).toBe(expected.replaceAll(' ', ''));
  });

  it.each(PACKETS)('that is %s is read back', (_, tlp, text) => {
    const { tlp: back, violation, ecrc } = parseFlitTlp(bytesOf(text));
    expect(violation).toBeNull();
    expect(back).toMatchObject(tlp);
    expect(ecrc).toBe('absent');
  });

  it('is itself again after encoding and parsing: parse(encode(x)) = x', () => {
    const seen = new Set<string>();
    fc.assert(
      fc.property(anyFlitTlp, (tlp) => {
        seen.add(tlp.kind);
        const bytes = encodeFlitTlp(tlp);
        const { tlp: back, violation, ecrc } = parseFlitTlp(bytes);
        expect(violation).toBeNull();
        expect(ecrc).toBe(tlp.digest ? 'good' : 'absent');
        expect(back).toEqual(tlp);
        expect(flitTlpBytes(bytes)).toBe(bytes.length);
      }),
      { numRuns: LONG ? 300_000 : 500 },
    );
    expect(seen).toEqual(new Set(ALL_TYPES));
  });

  it('says of its own where it ends, among others and NOP TLPs', () => {
    const nop = fc.constant(new Uint8Array(4));
    const stream = fc.array(fc.oneof(anyFlitTlp.map(encodeFlitTlp), nop), { maxLength: 6 });
    fc.assert(
      fc.property(stream, fc.nat(64), (parts, cut) => {
        const bytes = Uint8Array.from(Buffer.concat(parts));
        let at = 0;
        for (const part of parts) {
          expect(flitTlpBytes(bytes, at)).toBe(part.length);
          at += part.length;
        }
        expect(flitTlpBytes(bytes, at)).toBe(-1);
        // One that goes on in the next flit.
        const [first] = parts;
        if (first !== undefined && cut < first.length) expect(flitTlpBytes(first.subarray(0, cut))).toBe(-1);
      }),
      { numRuns: 100 },
    );
  });

  it('means the same as without flits, and has the Orthogonal Header Content that the link counts', () => {
    fc.assert(
      fc.property(anyTlp(), (tlp) => {
        if (tlp.kind !== 'MRd' && tlp.kind !== 'CplD') return;
        const plain = {
          ...tlp,
          prefixes: [],
          digest: false,
          ...('hints' in tlp ? { hints: null } : {}),
        } as TlpPacket;
        const before = parseTlp(encodeTlp(plain)).tlp;
        const bytes = encodeFlitTlp(plain);
        expect(parseFlitTlp(bytes).tlp).toMatchObject(before as TlpPacket);
        if (plain.kind !== 'CplD') return;
        const header = bytes.length - plain.payload.length;
        const status = plain.status as 0;
        const address = 0x1_0000 + plain.lowerAddress;
        const question = { kind: TlpKind.COMPLETION_DATA, address, bytes: 4, status, isRegister: false };
        expect(header).toBe(12 + ohcBytes(question));
        expect(ohcBytes(question) % OHC_BYTES).toBe(0);
      }),
      { numRuns: 400 },
    );
  });
});

describe('the ECRC of Flit Mode', () => {
  it('is a trailer, and takes Type[0] and EP as set', () => {
    const bytes = encodeFlitTlp({ ...PACKETS[7][1], digest: true });
    expect(hex(bytes.subarray(0, 4))).toBe('04012001');
    for (let bit = 0; bit < 8 * bytes.length; bit++) {
      const hit = bytes.slice();
      hit[bit >> 3] ^= 0x80 >> (bit & 7);
      const { ecrc, violation } = parseFlitTlp(hit);
      if (violation !== null && ecrc === 'absent') continue;
      const isVariant = bit === 7 || bit === 48;
      expect(ecrc, `bit ${bit}`).toBe(isVariant ? 'good' : 'bad');
    }
  });
});

describe('a receiver in Flit Mode finds malformed', () => {
  const ROWS: readonly (readonly [FlitCheck, string, string, TlpReceiverSettings?])[] = [
    ['header', 'no bytes', ''],
    ['header', 'a byte more than double words', '03000001 01000001 00001000 00'],
    ['header', 'two of three double words', '03000001 01000001'],
    ['header', 'a header without its OHC', '03010001 01000001 00001000'],
    ['type', 'a NOP TLP', '00000000'],
    ['type', 'a Type that there is not', '07000001 01000001 00001000'],
    ['type', 'a prefix', '91000001 01000001 00001000'],
    ['trailer', 'another trailer than one with an ECRC', `0300a001 01000001 00001000 ${'00'.repeat(12)}`],
    ['length', 'an ECRC without a trailer', '03000001 01000001 00001000 00000000'],
    ['length', 'a trailer without an ECRC', '03002001 01000001 00001000'],
    ['length', 'a double word less than Length', '40000002 01000001 00001000 00000000'],
    ['headerContent', 'a configuration request without OHC-A3', '04000001 01000001 01000000'],
    ['headerContent', 'an I/O write without OHC-A2', '42000001 01000001 0000e020 00000000'],
    ['byteEnables', 'a last one of a configuration request', '04010001 01000001 01000000 0000001f'],
    ['byteEnables', 'a gap', '03010003 01000001 00001000 0000005f'],
    ['pageCrossing', 'eight bytes from FFCh', '03000002 01000001 00000ffc'],
    ['addressFormat', 'a long header below 4 GiB', '20000001 01000001 00000000 00001000'],
    ['trafficClass', 'TC 1 of TC 0', '03200001 01000001 00001000', { trafficClasses: 1 }],
    [
      'maxPayload',
      '132 of 128 bytes',
      `40000021 01000001 00001000 ${'00'.repeat(132)}`,
      { maxPayloadBytes: 128 },
    ],
    ['completionLength', 'eight of four bytes', `4a000002 00080001 01800004 ${'00'.repeat(8)}`],
    ['messageRouting', 'ERR_COR by ID', `32000000 01000030 ${'00'.repeat(8)}`],
  ];

  const BROKEN = ROWS.map(([check, name, text, settings = {}]) => [check, name, text, settings] as const);

  it.each(BROKEN)('by %s: %s', (check, _, text, settings) => {
    const { tlp, violation } = parseFlitTlp(bytesOf(text), settings);
    expect(tlp).toBeNull();
    expect(violation?.check).toBe(check);
  });

  it('and says what is there instead', () => {
    expect(parseFlitTlp(bytesOf('04000001 01000001 01000000')).violation).toEqual({
      check: 'headerContent',
      section: '2.2.1.2',
      what: `${FLIT_CHECKS.headerContent.rule}; here none`,
    });
  });

  it('any bytes or not, and never throws: what is taken is taken again', () => {
    const first = fc.tuple(
      fc.constantFrom(3, 0x20, 0x40, 0x60, 4, 0x44, 0x0a, 0x4a, 0x4c, 0x30),
      fc.nat(255),
      fc.constantFrom(0, 0x20),
      fc.nat(3),
    );
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 64 }),
      fc
        .tuple(
          first,
          // 0: as long as its header says it is.
          fc.oneof(fc.integer({ min: 2, max: 12 }), fc.constant(0)),
          fc.uint8Array({ minLength: 48, maxLength: 48 }),
        )
        .map(([head, words, rest]) => {
          const all = Uint8Array.from([...head, ...rest]);
          return all.subarray(0, words > 0 ? 4 * words + 4 : Math.max(8, flitTlpBytes(all)));
        }),
    );
    let taken = 0;
    fc.assert(
      fc.property(bytes, (given) => {
        const { tlp, violation } = parseFlitTlp(given);
        expect((tlp === null) !== (violation === null)).toBe(true);
        flitTlpBytes(given);
        if (tlp === null) return;
        taken++;
        const again = encodeFlitTlp(tlp);
        expect(parseFlitTlp(again).tlp).toEqual(tlp);
      }),
      { numRuns: LONG ? 1_000_000 : 1500 },
    );
    expect(taken).toBeGreaterThan(60);
  });
});

describe('what Flit Mode does not have', () => {
  it.each([
    ['prefixes', { prefixes: [{ scope: 'local', type: 14, content: 0 }] }],
    ['hints', { hints: { processingHint: 0, steeringTag: 0 } }],
    ['completerSegment', { completerSegment: 1 }],
    ['destinationSegment', { destinationSegment: 1 }],
    ['tag', { tag: 0x4000 }],
    ['contentE', { contentE: [1, 2, 3] }],
    ['contentC', { contentC: -1 }],
    ['pasid', { pasid: { pasid: 2 ** 20, executeRequested: false, privilegedModeRequested: false } }],
    ['steeringTag', { steering: { hintsValid: 0, processingHint: 0, steeringTag: 2 ** 16 } }],
    ['firstEnables', { firstEnables: 16 }],
  ])('is refused: %s', (name, wrong) => {
    expect(() => encodeFlitTlp({ ...PACKETS[0][1], ...wrong } as FlitTlp)).toThrow(
      new RegExp(`^${name} must`),
    );
  });

  it('is the tag of a message', () => {
    expect(() => encodeFlitTlp({ ...PACKETS[9][1], tag: 1 })).toThrow(/^tag must/);
  });
});
