import fc from 'fast-check';
import { TLP_TYPES, type TlpPacket, type TlpPrefix, type TlpType } from '../../../src/pcie/index.ts';

/** Any TLP that the specification allows a requester or completer to send, with every field said. */
export function anyTlp(): fc.Arbitrary<TlpPacket> {
  return fc.oneof(memoryTlp(), atomicTlp(), registerTlp(), messageTlp(), completionTlp());
}

const bytes = (words: number) => fc.uint8Array({ minLength: 4 * words, maxLength: 4 * words });
const prefix = (scope: TlpPrefix['scope'], types: readonly number[]) =>
  fc.record({
    scope: fc.constant(scope),
    type: fc.constantFrom(...types),
    content: fc.nat(0xffffff),
  });
const common = {
  trafficClass: fc.nat(7),
  attributes: fc.nat(7),
  poisoned: fc.boolean(),
  digest: fc.boolean(),
  prefixes: fc
    .tuple(
      fc.array(prefix('local', [0, 14, 15]), { maxLength: 2 }),
      fc.array(prefix('end-end', [0, 1, 2, 14, 15]), { maxLength: 4 }),
    )
    .map(([local, endEnd]) => [...local, ...endEnd]),
};
const request = { ...common, requester: fc.nat(0xffff), tag: fc.nat(0x3ff) };
/** Addresses near boundaries as often as anywhere. */
const page = fc.oneof(
  fc.bigInt({ min: 0n, max: 2n ** 20n - 1n }),
  fc.bigInt({ min: 0n, max: 2n ** 52n - 1n }),
  fc.constantFrom(0n, 2n ** 20n - 1n, 2n ** 20n, 2n ** 52n - 1n),
);
const memory = { ...request, addressType: fc.nat(3) };
const hint = fc.record({ processingHint: fc.nat(3), steeringTag: fc.nat(255) });

function memoryTlp(): fc.Arbitrary<TlpPacket> {
  return fc
    .record({
      common: fc.record(memory),
      kind: fc.constantFrom('MRd' as const, 'MRdLk' as const, 'MWr' as const),
      page,
      first: fc.nat(1023),
      words: fc.oneof(fc.integer({ min: 1, max: 4 }), fc.integer({ min: 1, max: 1024 })),
      enables: fc.tuple(fc.constantFrom(8, 12, 14, 15), fc.constantFrom(1, 3, 7, 15)),
      alone: fc.nat(15),
      pair: fc.tuple(fc.integer({ min: 1, max: 15 }), fc.integer({ min: 1, max: 15 })),
      hints: fc.oneof(fc.constant(null), hint),
      fill: fc.nat(255),
    })
    .map(({ common: fields, kind, page: at, first, words: most, enables, alone, pair, hints, fill }) => {
      const words = Math.min(most, 1024 - first);
      const address = at * 4096n + BigInt(4 * first);
      let [firstEnables, lastEnables] = words === 2 && first % 2 === 0 ? pair : enables;
      if (words === 1) [firstEnables, lastEnables] = [alone, 0];
      if (hints !== null && kind !== 'MWr') [firstEnables, lastEnables] = [15, words === 1 ? 0 : 15];
      const all = { ...fields, address, longHeader: false, firstEnables, lastEnables, hints };
      if (kind !== 'MWr') return { ...all, kind, words };
      const payload = Uint8Array.from({ length: 4 * words }, (_, i) => (fill + i) & 0xff);
      // The Steering Tag takes the low byte of the tag's place.
      return { ...all, kind, tag: hints === null ? all.tag : all.tag & 0x300, payload };
    });
}

function atomicTlp(): fc.Arbitrary<TlpPacket> {
  const size = fc.constantFrom(
    ...([
      ['FetchAdd', 1, 4],
      ['FetchAdd', 2, 8],
      ['Swap', 1, 4],
      ['Swap', 2, 8],
      ['CAS', 2, 4],
      ['CAS', 4, 8],
      ['CAS', 8, 16],
    ] as const),
  );
  return size.chain(([kind, words, operand]) =>
    fc
      .record({
        ...memory,
        kind: fc.constant(kind),
        address: fc
          .tuple(page, fc.nat(4096 / operand - 1))
          .map(([at, i]) => at * 4096n + BigInt(operand * i)),
        hints: fc.oneof(fc.constant(null), hint),
        payload: bytes(words),
      })
      .map((tlp) => ({ ...tlp, longHeader: false })),
  );
}

function registerTlp(): fc.Arbitrary<TlpPacket> {
  const kinds = ['IORd', 'IOWr', 'CfgRd0', 'CfgRd1', 'CfgWr0', 'CfgWr1'] as const;
  return fc.constantFrom(...kinds).chain((kind): fc.Arbitrary<TlpPacket> => {
    const fields = {
      ...request,
      trafficClass: fc.constant(0),
      attributes: fc.constant(0),
      firstEnables: fc.nat(15),
      payload: bytes(TLP_TYPES[kind].carriesData ? 1 : 0),
    };
    if (kind === 'IORd' || kind === 'IOWr')
      return fc.record({
        ...fields,
        kind: fc.constant(kind),
        address: fc.nat(2 ** 30 - 1).map((at) => 4 * at),
      });
    return fc.record({
      ...fields,
      kind: fc.constant(kind),
      target: fc.nat(0xffff),
      register: fc.nat(1023).map((at) => 4 * at),
    });
  });
}

function messageTlp(): fc.Arbitrary<TlpPacket> {
  const known = fc.constantFrom(
    ...([
      [0x00, 3],
      [0x18, 0],
      [0x20, 4],
      [0x20, 7],
      [0x30, 0],
      [0x33, 0],
      [0x50, 4],
    ] as const),
  );
  return fc
    .record({
      ...request,
      kind: fc.constantFrom('Msg' as const, 'MsgD' as const),
      of: fc.oneof(known, fc.tuple(fc.integer({ min: 0x80, max: 0xff }), fc.nat(7))),
      parameters: bytes(2),
      payload: fc.integer({ min: 1, max: 8 }).chain(bytes),
    })
    .map(({ of: [code, routing], ...tlp }) => ({
      ...tlp,
      code,
      routing,
      trafficClass: code < 0x80 ? 0 : tlp.trafficClass,
      payload: tlp.kind === 'Msg' ? new Uint8Array(0) : tlp.payload,
    }));
}

function completionTlp(): fc.Arbitrary<TlpPacket> {
  return fc
    .record({
      ...request,
      kind: fc.constantFrom<'Cpl' | 'CplD' | 'CplLk' | 'CplDLk'>('Cpl', 'CplD', 'CplLk', 'CplDLk'),
      completer: fc.nat(0xffff),
      status: fc.constantFrom<0 | 1 | 2 | 3 | 4 | 5 | 6 | 7>(0, 1, 2, 3, 4, 5, 6, 7),
      byteCount: fc.oneof(fc.integer({ min: 1, max: 16 }), fc.integer({ min: 1, max: 4096 })),
      lowerAddress: fc.nat(0x7f),
      pieces: fc.nat(64),
      fill: fc.nat(255),
    })
    .map(({ pieces, fill, ...tlp }) => {
      const all = ((tlp.lowerAddress & 3) + tlp.byteCount + 3) & ~3;
      const start = tlp.lowerAddress & ~3;
      // Up to some multiple of 64 bytes, or to the end.
      const cut = 64 * (1 + Math.floor(start / 64) + pieces) - start;
      const size = tlp.kind === 'CplD' || tlp.kind === 'CplDLk' ? Math.min(all, cut, 4096) : 0;
      const whole = size < all && (start + size) % 64 !== 0 ? size - ((start + size) % 64) : size;
      const payload = Uint8Array.from({ length: whole }, (_, i) => (fill + i) & 0xff);
      return { ...tlp, byteCountModified: false, payload };
    });
}

/** All types of TLPs. */
export const ALL_TYPES = Object.keys(TLP_TYPES) as TlpType[];
