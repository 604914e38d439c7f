import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  byteEnablesOf,
  CompletionStatus,
  decodeTlpHeader,
  encodeTlpHeader,
  type TlpHeader,
  TlpKind,
} from '../../../src/pcie/index.ts';

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');
const bytesOf = (text: string) => Uint8Array.from(Buffer.from(text.replaceAll(' ', ''), 'hex'));

/** Headers written out by hand from the figures of PCI Express Base 2.2. */
const HEADERS: readonly (readonly [string, TlpHeader, string])[] = [
  [
    'a Memory Read of 64 bytes below 4 GiB',
    { kind: TlpKind.MEMORY_READ, requester: 0x0100, tag: 1, ...byteEnablesOf(0x1000, 64) },
    '00000010 010001ff 00001000',
  ],
  [
    'a Memory Read of 512 bytes above 4 GiB',
    { kind: TlpKind.MEMORY_READ, requester: 0x0100, tag: 31, ...byteEnablesOf(0x1_2345_6780, 512) },
    '20000080 01001fff 00000001 23456780',
  ],
  [
    'a Memory Read of one byte, the last of its double word',
    { kind: TlpKind.MEMORY_READ, requester: 0x0100, tag: 2, ...byteEnablesOf(0x2003, 1) },
    '00000001 01000208 00002000',
  ],
  [
    'a Memory Read of five bytes in two double words',
    { kind: TlpKind.MEMORY_READ, requester: 0x0100, tag: 3, ...byteEnablesOf(0x2006, 5) },
    '00000002 0100037c 00002004',
  ],
  [
    'a Memory Read of 4,096 bytes, whose length is written as 0',
    { kind: TlpKind.MEMORY_READ, requester: 0x0100, tag: 4, ...byteEnablesOf(0x10000, 4096) },
    '00000000 010004ff 00010000',
  ],
  [
    'a Memory Read with TC 3, Relaxed Ordering and No Snoop',
    {
      kind: TlpKind.MEMORY_READ,
      requester: 0x0100,
      tag: 9,
      trafficClass: 3,
      attributes: 3,
      ...byteEnablesOf(0x8000, 128),
    },
    '00303020 010009ff 00008000',
  ],
  [
    'a Memory Read with ID-based Ordering and a tag of ten bits',
    {
      kind: TlpKind.MEMORY_READ,
      requester: 0x0100,
      tag: 0x3a5,
      attributes: 4,
      ...byteEnablesOf(0x8000, 128),
    },
    '008c0020 0100a5ff 00008000',
  ],
  [
    'a Memory Write of two bytes within a double word',
    { kind: TlpKind.MEMORY_WRITE, requester: 0x0100, tag: 0, ...byteEnablesOf(0x1001, 2) },
    '40000001 01000006 00001000',
  ],
  [
    'a poisoned Memory Write above 4 GiB',
    {
      kind: TlpKind.MEMORY_WRITE,
      requester: 0x0182,
      tag: 0,
      poisoned: true,
      ...byteEnablesOf(0x3_0000_0000, 64),
    },
    '60004010 018200ff 00000003 00000000',
  ],
  [
    'a configuration read of type 0',
    {
      kind: TlpKind.CONFIG_READ,
      configType: 0,
      requester: 0,
      tag: 16,
      target: 0x0200,
      register: 0,
      firstEnables: 15,
    },
    '04000001 0000100f 02000000',
  ],
  [
    'a configuration read of type 1',
    {
      kind: TlpKind.CONFIG_READ,
      configType: 1,
      requester: 0,
      tag: 16,
      target: 0x0180,
      register: 0,
      firstEnables: 15,
    },
    '05000001 0000100f 01800000',
  ],
  [
    'a configuration write to an extended register',
    {
      kind: TlpKind.CONFIG_WRITE,
      configType: 0,
      requester: 0,
      tag: 16,
      target: 0x0100,
      register: 0x170,
      firstEnables: 3,
    },
    '44000001 00001003 01000170',
  ],
  [
    'a completion with 64 bytes',
    {
      kind: TlpKind.COMPLETION_DATA,
      requester: 0x0180,
      tag: 0x21,
      completer: 0,
      status: CompletionStatus.SUCCESSFUL,
      byteCount: 64,
      lowerAddress: 4,
      words: 16,
    },
    '4a000010 00000040 01802104',
  ],
  [
    'a completion of 4,096 bytes, whose count is written as 0',
    {
      kind: TlpKind.COMPLETION_DATA,
      requester: 0x0180,
      tag: 0x21,
      completer: 0x0008,
      status: CompletionStatus.SUCCESSFUL,
      byteCount: 4096,
      lowerAddress: 0x40,
      words: 48,
    },
    '4a000030 00080000 01802140',
  ],
  [
    'a completion with Unsupported Request',
    {
      kind: TlpKind.COMPLETION,
      requester: 0x0180,
      tag: 0x21,
      completer: 0x0100,
      status: CompletionStatus.UNSUPPORTED_REQUEST,
      byteCount: 4,
      lowerAddress: 0,
      words: 0,
    },
    '0a000000 01002004 01802100',
  ],
  [
    'a completion with Completer Abort',
    {
      kind: TlpKind.COMPLETION,
      requester: 0x0180,
      tag: 0x21,
      completer: 0x0100,
      status: CompletionStatus.COMPLETER_ABORT,
      byteCount: 4,
      lowerAddress: 0,
      words: 0,
    },
    '0a000000 01008004 01802100',
  ],
  [
    'ERR_NONFATAL to the root complex',
    { kind: TlpKind.MESSAGE, requester: 0x0180, tag: 0, routing: 0, code: 0x31 },
    '30000000 01800031 00000000 00000000',
  ],
];

describe('the header of a TLP', () => {
  it.each(HEADERS)('of %s is as the specification lays it out', (_, header, expected) => {
    expect(hex(encodeTlpHeader(header))).toBe(expected.replaceAll(' ', ''));
  });

  it.each(HEADERS)('of %s is read back', (_, header, text) => {
    expect(decodeTlpHeader(bytesOf(text))).toEqual({
      trafficClass: 0,
      attributes: 0,
      poisoned: false,
      ...header,
    });
  });

  it('says which bytes of its double words are meant', () => {
    fc.assert(
      fc.property(fc.nat(8191), fc.integer({ min: 1, max: 4000 }), (address, bytes) => {
        const { address: first, words, firstEnables, lastEnables } = byteEnablesOf(address, bytes);
        const meant: number[] = [];
        for (let at = first; at < first + 4 * words; at++) {
          const word = (at - first) >> 2;
          const enables = word === 0 ? firstEnables : word === words - 1 ? lastEnables : 15;
          if (((enables >> (at & 3)) & 1) === 1) meant.push(at);
        }
        expect(meant).toEqual(Array.from({ length: bytes }, (_, i) => address + i));
        expect(words === 1).toBe(lastEnables === 0);
      }),
    );
  });

  it('takes nothing that does not fit its field', () => {
    const read: TlpHeader = { kind: TlpKind.MEMORY_READ, requester: 1, tag: 0, ...byteEnablesOf(0, 4) };
    for (const wrong of [
      { requester: 0x10000 },
      { tag: 1024 },
      { trafficClass: 8 },
      { attributes: 8 },
      { address: 2 },
      { words: 0 },
      { words: 1025 },
      { firstEnables: 16 },
    ])
      expect(() => encodeTlpHeader({ ...read, ...wrong }), JSON.stringify(wrong)).toThrow(RangeError);
  });

  it('is refused where it is cut off, or of a kind that is not modelled', () => {
    expect(() => decodeTlpHeader(bytesOf('00000010 010001ff'))).toThrow(RangeError);
    expect(() => decodeTlpHeader(bytesOf('20000080 01001fff 00000001'))).toThrow(RangeError);
    // An I/O read, a message with data, a Fetch and Add.
    for (const first of ['02000001', '74000001', '4c000001'])
      expect(() => decodeTlpHeader(bytesOf(`${first} 0100000f 00001000`))).toThrow(/no TLP that is modelled/);
  });
});
