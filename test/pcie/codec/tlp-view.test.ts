import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  encodedBytes,
  encodeTlp,
  encodeTlpInto,
  parseTlp,
  type TlpPacket,
  TlpView,
} from '../../../src/pcie/index.ts';
import { anyTlp } from './random-tlp.ts';

const LONG = process.env['SRIOVSIM_LONG'] === '1';
const bytesOf = (text: string) => Uint8Array.from(Buffer.from(text.replaceAll(' ', ''), 'hex'));
/** A byte that stands where nothing has been written. */
const UNTOUCHED = 0xa5;

/** The fields of a packet that a view has under the same name, and its address. */
function fieldsOf(tlp: TlpPacket, view: TlpView): [unknown, unknown][] {
  return Object.entries(tlp).flatMap(([name, value]): [unknown, unknown][] => {
    switch (name) {
      case 'address':
        return [[(BigInt(view.addressHigh) << 32n) | BigInt(view.addressLow), BigInt(value)]];
      case 'hints':
        if (value === null) return [[view.hasHints, false]];
        return [[{ processingHint: view.processingHint, steeringTag: view.steeringTag }, value]];
      case 'words':
        return [[view.length, value]];
      case 'payload':
        return [[view.bytes.slice(view.payloadAt, view.payloadAt + view.payloadBytes), value]];
      case 'parameters':
        return [[view.bytes.slice(view.headerAt + 8, view.headerAt + 16), value]];
      case 'prefixes':
        return [[view.prefixCount, value.length]];
      case 'longHeader':
        return [];
      default:
        return [[view[name as keyof TlpView], value]];
    }
  });
}

describe('a TLP that is looked at in place', () => {
  it('has the fields of the packet, wherever in a buffer it lies', () => {
    const view = new TlpView();
    fc.assert(
      fc.property(anyTlp(), fc.nat(40), (tlp, offset) => {
        const buffer = new Uint8Array(offset + encodedBytes(tlp) + 9).fill(UNTOUCHED);
        const end = encodeTlpInto(buffer, offset, tlp);
        expect(view.look(buffer, offset, end)).toBe(true);
        expect(view.violation).toBeNull();
        expect(view.ecrc).toBe(tlp.digest ? 'good' : 'absent');
        for (const [found, expected] of fieldsOf(tlp, view)) expect(found).toEqual(expected);
        expect(view.packet()).toEqual(tlp);
      }),
      { numRuns: LONG ? 100_000 : 1000 },
    );
  });

  it('is judged as if it were the first one, after whatever other bytes', () => {
    const view = new TlpView();
    const bytes = fc.oneof(
      anyTlp().map((tlp) => encodeTlp(tlp)),
      fc.uint8Array({ maxLength: 64 }),
      fc.tuple(anyTlp(), fc.nat(11), fc.nat(255)).map(([tlp, at, value]) => {
        const hit = encodeTlp(tlp);
        hit[at] = value;
        return hit;
      }),
    );
    let failed = 0;
    fc.assert(
      fc.property(bytes, (given) => {
        const isGood = view.look(given);
        if (!isGood) failed++;
        const { tlp, violation, ecrc } = parseTlp(given);
        expect(isGood).toBe(violation === null);
        expect(view.failed).toBe(violation?.check ?? null);
        expect([view.packet(), view.violation, view.ecrc]).toEqual([tlp, violation, ecrc]);
      }),
      { numRuns: LONG ? 100_000 : 1500 },
    );
    expect(failed).toBeGreaterThan(200);
  });

  it('stays in the buffer: a packet of it is a copy, the view is not', () => {
    const buffer = encodeTlp(parseTlp(bytesOf('40000001 0100000f 00001000 01020304')).tlp as TlpPacket);
    const view = new TlpView();
    view.look(buffer);
    const packet = view.packet() as TlpPacket & { payload: Uint8Array };
    buffer[12] = 9;
    expect(view.bytes[view.payloadAt]).toBe(9);
    expect(packet.payload[0]).toBe(1);
  });

  it('is measured by the Max_Payload_Size that the view has then', () => {
    const view = new TlpView({ maxPayloadBytes: 256 });
    const bytes = bytesOf(`40000040 010000ff 00001000 ${'00'.repeat(256)}`);
    expect(view.look(bytes)).toBe(true);
    view.maxPayloadBytes = 128;
    expect(view.look(bytes)).toBe(false);
    expect([view.failed, view.maxPayloadBytes]).toEqual(['maxPayload', 128]);
    expect(() => {
      view.maxPayloadBytes = 100;
    }).toThrow(RangeError);
  });

  it('is within the bytes that are given', () => {
    const view = new TlpView();
    const bytes = new Uint8Array(16);
    for (const [start, end] of [
      [-4, 12],
      [0, 20],
      [12, 8],
      [0.5, 12],
    ])
      expect(() => view.look(bytes, start, end), `${start} to ${end}`).toThrow(RangeError);
  });
});

describe('a TLP that is encoded into a buffer', () => {
  it('has the bytes that it has alone, and touches no others', () => {
    fc.assert(
      fc.property(anyTlp(), fc.nat(40), fc.nat(40), (tlp, before, behind) => {
        const alone = encodeTlp(tlp);
        const buffer = new Uint8Array(before + alone.length + behind).fill(UNTOUCHED);
        expect(encodeTlpInto(buffer, before, tlp)).toBe(before + alone.length);
        expect(buffer.subarray(before, before + alone.length)).toEqual(alone);
        const rest = [...buffer.subarray(0, before), ...buffer.subarray(before + alone.length)];
        expect(rest.every((byte) => byte === UNTOUCHED)).toBe(true);
      }),
      { numRuns: 500 },
    );
  });

  it('needs room for all of it', () => {
    const { tlp } = parseTlp(bytesOf('00000001 0100010f 00001000'));
    const room = (bytes: number, offset: number) => () =>
      encodeTlpInto(new Uint8Array(bytes), offset, tlp as TlpPacket);
    expect(room(16, 4)).not.toThrow();
    expect(room(15, 4)).toThrow('bytes behind offset must be an integer from 12');
    for (const offset of [-1, 17, 0.5, Number.NaN]) expect(room(16, offset)).toThrow(/^offset must be/);
  });

  it('must be of a kind that there is', () => {
    expect(() => encodeTlp({ kind: 'MRdX' } as unknown as TlpPacket)).toThrow(/^kind must be one of MRd, /);
  });
});
