import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Dllp, dllpCrc, encodeDllp, FlowClass, parseDllp } from '../../../src/pcie/index.ts';

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');
const bytesOf = (text: string) => Uint8Array.from(Buffer.from(text.replaceAll(' ', ''), 'hex'));
const credits = { virtualChannel: 0, headerCredits: 64, dataCredits: 1024, headerScale: 0, dataScale: 0 };

/** DLLPs with their CRC, as another implementation of the specification writes them. */
const DLLPS: readonly (readonly [Dllp, string])[] = [
  [{ kind: 'Ack', sequence: 0 }, '00000000 b362'],
  [{ kind: 'Ack', sequence: 0xabc }, '00000abc 90ad'],
  [{ kind: 'Nak', sequence: 1 }, '10000001 f91e'],
  [{ kind: 'InitFC1', flowClass: FlowClass.POSTED, ...credits }, '40100400 17ec'],
  [{ kind: 'InitFC1', flowClass: FlowClass.NON_POSTED, ...credits }, '50100400 fc8b'],
  [{ kind: 'InitFC2', flowClass: FlowClass.POSTED, ...credits }, 'c0100400 6d93'],
  [{ kind: 'UpdateFC', flowClass: FlowClass.POSTED, ...credits }, '80100400 d0ac'],
  [{ kind: 'UpdateFC', flowClass: FlowClass.COMPLETION, ...credits }, 'a0100400 0663'],
  [
    { kind: 'InitFC1', flowClass: FlowClass.COMPLETION, ...credits, headerCredits: 0, dataCredits: 0 },
    '60000000 d892',
  ],
  [{ kind: 'NOP' }, '31000000 fb32'],
];

const anyDllp: fc.Arbitrary<Dllp> = fc.oneof(
  fc.record({ kind: fc.constantFrom('Ack' as const, 'Nak' as const), sequence: fc.nat(4095) }),
  fc.record({
    kind: fc.constantFrom('InitFC1' as const, 'InitFC2' as const, 'UpdateFC' as const),
    flowClass: fc.constantFrom(FlowClass.POSTED, FlowClass.NON_POSTED, FlowClass.COMPLETION),
    virtualChannel: fc.nat(7),
    headerCredits: fc.nat(255),
    dataCredits: fc.nat(4095),
    headerScale: fc.nat(3),
    dataScale: fc.nat(3),
  }),
  fc.record({
    kind: fc.constantFrom(
      'PM_Enter_L1' as const,
      'PM_Enter_L23' as const,
      'PM_Active_State_Request_L1' as const,
      'PM_Request_Ack' as const,
      'NOP' as const,
    ),
  }),
  fc.record({
    kind: fc.constantFrom('Vendor_Specific' as const, 'Data_Link_Feature' as const),
    content: fc.nat(0xffffff),
  }),
);

describe('a DLLP', () => {
  it.each(DLLPS)('%o is laid out, and has the CRC, that the specification says', (dllp, text) => {
    expect(hex(encodeDllp(dllp))).toBe(text.replace(' ', ''));
    expect(parseDllp(bytesOf(text))).toEqual({ dllp, problem: null });
  });

  it.each([
    ['PM_Enter_L1', '20'],
    ['PM_Enter_L23', '21'],
    ['PM_Active_State_Request_L1', '23'],
    ['PM_Request_Ack', '24'],
  ] as const)('%s has type %sh', (kind, type) => {
    expect(hex(encodeDllp({ kind })).slice(0, 8)).toBe(`${type}000000`);
  });

  it('says its Virtual Channel, and the scale of its credits', () => {
    const dllp = { ...credits, virtualChannel: 5, headerScale: 2, dataScale: 3 };
    const bytes = encodeDllp({ kind: 'UpdateFC', flowClass: FlowClass.NON_POSTED, ...dllp });
    expect(hex(bytes).slice(0, 8)).toBe('95903400');
  });

  it('is itself again after encoding and parsing', () => {
    fc.assert(
      fc.property(anyDllp, (dllp) => {
        expect(parseDllp(encodeDllp(dllp))).toEqual({ dllp, problem: null });
      }),
    );
  });

  it('with up to three wrong bits is found by its CRC', () => {
    fc.assert(
      fc.property(anyDllp, fc.uniqueArray(fc.nat(47), { minLength: 1, maxLength: 3 }), (dllp, hits) => {
        const bytes = encodeDllp(dllp);
        for (const bit of hits) bytes[bit >> 3] ^= 1 << (bit & 7);
        expect(parseDllp(bytes)).toEqual({ dllp: null, problem: 'crc' });
      }),
      { numRuns: 2000 },
    );
  });

  it('of a type that is none is told apart from a wrong CRC; any bytes are taken', () => {
    const unknown = bytesOf('ff000000 0000');
    new DataView(unknown.buffer).setUint16(4, dllpCrc(unknown));
    expect(parseDllp(unknown).problem).toBe('type');
    expect(parseDllp(unknown.subarray(1)).problem).toBe('length');
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 4, maxLength: 4 }), (word) => {
        const bytes = Uint8Array.of(...word, 0, 0);
        new DataView(bytes.buffer).setUint16(4, dllpCrc(bytes));
        const { dllp, problem } = parseDllp(bytes);
        expect(problem).toBe(dllp === null ? 'type' : null);
      }),
      { numRuns: 2000 },
    );
  });

  it('takes nothing that does not fit its field', () => {
    expect(() => encodeDllp({ kind: 'Ack', sequence: 4096 })).toThrow(RangeError);
    expect(() => encodeDllp({ kind: 'Vendor_Specific', content: 2 ** 24 })).toThrow(RangeError);
    for (const wrong of [
      { virtualChannel: 8 },
      { headerCredits: 256 },
      { dataCredits: 4096 },
      { headerScale: 4 },
      { dataScale: 4 },
      { flowClass: 3 as FlowClass },
    ])
      expect(() =>
        encodeDllp({ kind: 'UpdateFC', flowClass: FlowClass.POSTED, ...credits, ...wrong }),
      ).toThrow(RangeError);
  });
});
