import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import {
  completionsOf,
  Endpoint,
  EndpointReceiver,
  encodeTlp,
  isNonPosted,
  type MemoryReadTlp,
  type PcieFunction,
  Readiness,
  type ReceptionOutcome,
  type TlpPacket,
  UncorrectableError,
} from '../../../src/pcie/index.ts';
import { intel82599Config } from '../../../src/profiles/index.ts';
import { anyTlp } from './random-tlp.ts';

const LONG = process.env['SRIOVSIM_LONG'] === '1';
const AER = 0x100;
const BAR0 = 0xe000_0000;
/** No BAR is here; those that nobody has set are at 0. */
const NOBODY = 0x9000_0000;
const NONE = new Uint8Array(0);
const word = (value: number) => Uint8Array.of(value, value >>> 8, value >>> 16, value >>> 24);
const base = { requester: 0, tag: 5 };
const read = (address: number, words = 1): MemoryReadTlp => ({
  ...base,
  kind: 'MRd',
  address: BigInt(address),
  words,
  firstEnables: 15,
  lastEnables: words === 1 ? 0 : 15,
});
const write = (address: number, payload: Uint8Array): TlpPacket => ({
  ...base,
  kind: 'MWr',
  address: BigInt(address),
  firstEnables: 15,
  lastEnables: payload.length === 4 ? 0 : 15,
  payload,
});

describe('a device that receives bytes', () => {
  let endpoint: Endpoint;
  let pf: PcieFunction;
  let receiver: EndpointReceiver;
  let registers: Map<number, number>;
  const receive = (tlp: TlpPacket) => receiver.receive(encodeTlp(tlp));
  const aer = (offset: number) => pf.config.read32(AER + offset);

  beforeEach(() => {
    endpoint = new Endpoint({ functions: intel82599Config(), bus: 1 });
    pf = endpoint.functions[0];
    pf.config.write32(0x10, BAR0);
    pf.config.write32(0x14, 0);
    pf.config.write16(0x04, 0x0006);
    registers = new Map();
    pf.attachBar(0, {
      read32: (offset) => registers.get(offset) ?? 0,
      write32: (offset, value) => registers.set(offset, value),
    });
    receiver = new EndpointReceiver(endpoint);
    // Advisory errors are told like others.
    pf.config.write32(AER + 0x14, 0);
  });

  it('writes and reads registers behind its BARs', () => {
    expect(receive(write(BAR0 + 0x18, word(0x1234_5678)))).toMatchObject({
      outcome: 'accepted',
      completions: [],
    });
    expect(registers.get(0x18)).toBe(0x1234_5678);
    const { outcome, completions } = receive(read(BAR0 + 0x18));
    expect(outcome).toBe('accepted');
    expect(completions).toMatchObject([
      { kind: 'CplD', requester: 0, tag: 5, completer: 0x0100, status: 0, byteCount: 4, lowerAddress: 0x18 },
    ]);
    expect(completions[0].payload).toEqual(word(0x1234_5678));
    expect(aer(0x04)).toBe(0);
  });

  it('cuts a long read by Max_Payload_Size and Read Completion Boundary', () => {
    for (let i = 0; i < 128; i++) registers.set(0x40 + 4 * i, i);
    const { completions } = receive(read(BAR0 + 0x40, 128));
    expect(completions.map(({ payload }) => payload.length)).toEqual([64, 128, 128, 128, 64]);
    const all = completions.flatMap(({ payload }) => [...payload]);
    expect(all).toEqual(Array.from({ length: 128 }, (_, i) => [...word(i)]).flat());
  });

  it('answers configuration requests, and captures its bus by them', () => {
    const config = { ...base, target: 0x0300, register: 0, firstEnables: 15 };
    expect(receive({ ...config, kind: 'CfgRd0', payload: NONE }).completions[0].payload).toEqual(
      word(0x10fb_8086),
    );
    const done = receive({ ...config, kind: 'CfgWr0', register: 4, firstEnables: 3, payload: word(0x0146) });
    expect(done.completions).toMatchObject([{ kind: 'Cpl', status: 0 }]);
    expect([endpoint.bus, pf.config.read16(4) & 0x7ff]).toEqual([3, 0x0146]);
  });

  it.each<[string, TlpPacket]>([
    ['a read that no BAR claims', read(NOBODY)],
    ['a read above 2^53', { ...read(0), address: 2n ** 60n }],
    ['a read with a translated address', { ...read(BAR0), addressType: 2 }],
    ['a locked read', { ...read(BAR0), kind: 'MRdLk' }],
    ['an I/O read', { ...base, kind: 'IORd', address: 0x10, firstEnables: 15, payload: NONE }],
    ['a FetchAdd', { ...base, kind: 'FetchAdd', address: BigInt(BAR0), payload: word(1) }],
    ['a Swap', { ...base, kind: 'Swap', address: BigInt(BAR0), payload: word(1) }],
    ['a CAS', { ...base, kind: 'CAS', address: BigInt(BAR0), payload: new Uint8Array(8) }],
    [
      'a configuration read of another function',
      { ...base, kind: 'CfgRd0', target: 0x0107, register: 0, firstEnables: 15, payload: NONE },
    ],
  ])('says Unsupported Request to %s: a completion, and an advisory error with the header', (_, tlp) => {
    const { outcome, completions } = receive(tlp);
    expect(outcome).toBe('unsupportedRequest');
    expect(completions).toMatchObject([{ status: 1, tag: 5, requester: 0, payload: NONE }]);
    expect(completions[0].kind).toBe(tlp.kind === 'MRdLk' ? 'CplLk' : 'Cpl');
    expect([aer(0x04), aer(0x10), aer(0x18) & 0x1f]).toEqual([1 << 20, 1 << 13, 20]);
    const bytes = encodeTlp(tlp);
    const logged = new DataView(bytes.buffer);
    const size = (bytes[0] & 0x20) === 0 ? 3 : 4;
    for (let i = 0; i < size; i++) expect(aer(0x1c + 4 * i), `word ${i}`).toBe(logged.getUint32(4 * i));
  });

  it('says nothing to what is posted, which is no advisory error', () => {
    expect(receive(write(NOBODY, word(1)))).toMatchObject({ outcome: 'unsupportedRequest', completions: [] });
    expect([aer(0x04), aer(0x10)]).toEqual([1 << 20, 0]);
    expect(pf.config.read16(0xaa) & 0xf).toBe(0b1010);
  });

  it('reports a malformed TLP as fatal, and does nothing of it', () => {
    const bytes = encodeTlp({ ...read(BAR0), lastEnables: 15 });
    const { outcome, violation, completions } = receiver.receive(bytes);
    expect([outcome, violation?.check, completions.length]).toEqual(['malformedTlp', 'byteEnables', 0]);
    expect(aer(0x04)).toBe(1 << 18);
    expect(pf.config.read16(0xaa) & 0xf).toBe(0b0100);
    // More than Max_Payload_Size, which is 128 after reset.
    expect(receive(write(BAR0, new Uint8Array(132)))).toMatchObject({ violation: { check: 'maxPayload' } });
    expect(registers.size).toBe(0);
  });

  it('throws poisoned data for registers away, which is no advisory error', () => {
    const config = { ...base, target: 0x0100, register: 4, firstEnables: 3, payload: word(0x0146) };
    for (const tlp of [write(BAR0, word(1)), { ...config, kind: 'CfgWr0' as const }]) {
      const { outcome, completions } = receive({ ...tlp, poisoned: true });
      expect(outcome).toBe('poisonedTlp');
      expect(completions.map(({ status }) => status)).toEqual(isNonPosted(tlp) ? [1] : []);
      expect([aer(0x04), aer(0x10), pf.config.read16(0xaa) & 0xf]).toEqual([1 << 12, 0, 0b0010]);
      pf.config.write32(AER + 0x04, 0xffff_ffff);
    }
    expect([registers.size, pf.config.read16(4) & 0x7ff]).toEqual([0, 0x0006]);
  });

  const poisoned = { ...base, poisoned: true, firstEnables: 15, payload: word(1) };
  it.each<[string, ReceptionOutcome, TlpPacket]>([
    ['a write that no BAR claims', 'unsupportedRequest', { ...write(NOBODY, word(1)), poisoned: true }],
    ['an I/O write that none claims', 'unsupportedRequest', { ...poisoned, kind: 'IOWr', address: 0x10 }],
    [
      'a configuration write to no function',
      'unsupportedRequest',
      { ...poisoned, kind: 'CfgWr0', target: 0x0107, register: 4 },
    ],
    ['a FetchAdd', 'unsupportedRequest', { ...poisoned, kind: 'FetchAdd', address: BigInt(BAR0) }],
    [
      'a message that it does not know',
      'unsupportedRequest',
      { ...poisoned, kind: 'MsgD', code: 0x7e, routing: 2, parameters: new Uint8Array(8) },
    ],
    [
      'a write that is longer than the device takes',
      'completerAbort',
      { ...write(BAR0, new Uint8Array(12)), poisoned: true },
    ],
  ])('says of %s what it says of one that is not poisoned: %s', (_, expected, tlp) => {
    receiver = new EndpointReceiver(endpoint, { maxAccessWords: 2 });
    const clean = receive({ ...tlp, poisoned: false });
    const bits = UncorrectableError[expected as 'unsupportedRequest'];
    expect([clean.outcome, aer(0x04)]).toEqual([expected, 1 << bits]);
    pf.config.write32(AER + 0x04, 0xffff_ffff);
    const { outcome, completions } = receive(tlp);
    expect([outcome, aer(0x04)]).toEqual([expected, 1 << bits]);
    expect(completions).toEqual(clean.completions);
    expect(registers.size).toBe(0);
  });

  it('takes a message with poisoned data that it knows as Poisoned TLP', () => {
    const power = {
      ...poisoned,
      kind: 'MsgD' as const,
      code: 0x50,
      routing: 4,
      parameters: new Uint8Array(8),
    };
    expect(receive({ ...power, poisoned: false }).outcome).toBe('accepted');
    expect(receive(power).outcome).toBe('poisonedTlp');
  });

  it('looks at the ECRC if ECRC Check Enable is set, before anything else', () => {
    const bytes = encodeTlp({ ...write(BAR0, word(1)), digest: true });
    bytes[14] ^= 1;
    expect(receiver.receive(bytes).outcome).toBe('accepted');
    pf.config.write32(AER + 0x18, 1 << 8);
    expect(receiver.receive(bytes).outcome).toBe('ecrc');
    expect(aer(0x04)).toBe(1 << 19);
    expect(receive({ ...write(BAR0, word(1)), digest: true }).outcome).toBe('accepted');
  });

  it('aborts what is longer than the device takes', () => {
    receiver = new EndpointReceiver(endpoint, { maxAccessWords: 2 });
    expect(receive(read(BAR0, 2)).outcome).toBe('accepted');
    const { outcome, completions } = receive(read(BAR0, 3));
    expect([outcome, completions[0].status]).toEqual(['completerAbort', 4]);
    expect(aer(0x04)).toBe(1 << 15);
  });

  it('takes the messages that it knows, drops what it may, and says the rest in AER', () => {
    const message = (code: number, routing: number): ReceptionOutcome =>
      receive({ ...base, kind: 'Msg', code, routing, parameters: new Uint8Array(8), payload: NONE }).outcome;
    expect([message(0x19, 3), message(0x40, 4), message(0x7f, 3)]).toEqual([
      'accepted',
      'ignored',
      'ignored',
    ]);
    expect([message(0x7e, 2), message(0x99, 4)]).toEqual(['unsupportedRequest', 'unsupportedRequest']);
    // INTx goes to the root.
    expect(message(0x20, 4)).toBe('malformedTlp');
  });

  it('knows a completion by its request; one without is unexpected', () => {
    const sent = { ...read(0x1000), requester: 0x0100 };
    receiver.outstanding.add(sent);
    const completion = {
      kind: 'CplD' as const,
      requester: 0x0100,
      tag: 5,
      completer: 8,
      status: 0 as const,
      byteCount: 4,
      lowerAddress: 0,
      payload: word(1),
    };
    expect(receive({ ...completion, attributes: 1 }).outcome).toBe('malformedTlp');
    expect(receive(completion).outcome).toBe('accepted');
    expect(receive(completion).outcome).toBe('unexpectedCompletion');
    expect(aer(0x04)).toBe((1 << 18) | (1 << 16));
  });

  it('has configuration requests sent again while a function is not ready, which is no error', () => {
    const clock = { now: 0 };
    new Readiness(endpoint, clock, { flrPs: 1000 });
    pf.config.write16(0xa0 + 0x08, 0x8000 | pf.config.read16(0xa0 + 0x08));
    const config = { ...base, target: 0x0500, register: 4, firstEnables: 3 };
    const ask = { ...config, kind: 'CfgRd0' as const, payload: NONE };
    const tell = { ...config, kind: 'CfgWr0' as const, payload: word(0x0146) };
    pf.config.poke32(AER + 0x04, 0);
    for (const tlp of [ask, tell]) {
      const { outcome, completions } = receive(tlp);
      expect(outcome).toBe('configRetry');
      expect(completions).toMatchObject([{ kind: 'Cpl', status: 2, tag: 5, requester: 0, payload: NONE }]);
    }
    expect([aer(0x04), aer(0x10), pf.config.read16(0xaa) & 0xf]).toEqual([0, 0, 0]);
    // The device takes its bus number from the write all the same.
    expect([endpoint.bus, pf.config.read16(4) & 0x7ff]).toEqual([5, 0]);
    clock.now = 1000;
    expect([receive(tell).outcome, receive(ask).outcome]).toEqual(['accepted', 'accepted']);
    expect(pf.config.read16(4) & 0x7ff).toBe(0x0146);
  });

  it('refuses options that are out of range, or that there are not', () => {
    const make = (options: object) => () => new EndpointReceiver(endpoint, options);
    expect(make({ maxAccessWords: 0 })).toThrow('maxAccessWords must be an integer from 1 to 1024, got 0');
    expect(make({ completionBoundary: 32 })).toThrow(RangeError);
    expect(make({ readCompletionBoundary: 96 })).toThrow(RangeError);
    expect(make({ maxPayloadBytes: 100 })).toThrow(RangeError);
    expect(make({ maxAcessWords: 4 })).toThrow('options has no "maxAcessWords"');
  });

  it('cuts its completions at a boundary of its own, whatever that of completers is', () => {
    receiver = new EndpointReceiver(endpoint, { readCompletionBoundary: 64, completionBoundary: 64 });
    pf.config.write16(0xa8, 0);
    const cuts = () => receive(read(BAR0 + 0x1f0, 64)).completions.map(({ payload }) => payload.length);
    expect(cuts()).toEqual([80, 128, 48]);
    receiver = new EndpointReceiver(endpoint, { readCompletionBoundary: 64 });
    expect(cuts()).toEqual([16, 128, 112]);
  });

  it('takes any TLPs and any bytes: never throws, answers each request once, and notes each error', () => {
    pf.config.write16(0x160 + 0x10, 4);
    pf.config.write16(0x160 + 0x08, 0x19);
    const seen = new Set<string>();
    const look = (bytes: Uint8Array) => {
      // A VF may be the one that is meant.
      for (const { config } of endpoint.allFunctions()) config.write32(AER + 0x04, 0xffff_ffff);
      const { outcome, tlp, violation, completions } = receiver.receive(bytes);
      seen.add(outcome);
      const isFine = outcome === 'accepted' || outcome === 'ignored' || outcome === 'configRetry';
      // AER's own mask and severity may have been written by a configuration request: then others rule.
      const noted = endpoint.allFunctions().reduce((all, { config }) => all | config.read32(AER + 0x04), 0);
      if (!isFine && aer(0x14) === 0) expect(noted & (1 << UncorrectableError[outcome])).not.toBe(0);
      expect(violation === null).toBe(tlp !== null);
      if (tlp !== null && !['ecrc', 'malformedTlp'].includes(outcome)) {
        expect(completions.length > 0).toBe(isNonPosted(tlp));
        for (const reply of completions)
          expect([reply.requester, reply.tag]).toEqual([tlp.requester, tlp.tag]);
      } else {
        expect(completions).toEqual([]);
      }
    };
    const numRuns = LONG ? 1_000_000 : 2000;
    fc.assert(
      fc.property(anyTlp(), (tlp) => look(encodeTlp(tlp))),
      { numRuns },
    );
    // Addresses that are somebody's.
    const near = fc.tuple(fc.nat(0x200), fc.integer({ min: 1, max: 64 }), fc.boolean());
    fc.assert(
      fc.property(near, ([at, words, isRead]) =>
        look(
          encodeTlp(isRead ? read(BAR0 + 4 * at, words) : write(BAR0 + 4 * at, new Uint8Array(4 * words))),
        ),
      ),
      { numRuns: 300 },
    );
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 48 }), (bytes) => look(bytes)),
      { numRuns },
    );
    for (const outcome of [
      'accepted',
      'malformedTlp',
      'poisonedTlp',
      'unexpectedCompletion',
      'unsupportedRequest',
    ])
      expect(seen).toContain(outcome);
  }, 1_800_000);
});

describe('a device of two PFs that receives bytes', () => {
  const [BAR_A, BAR_B] = [0xe000_0000, 0xe100_0000];
  const setUp = () => {
    const [profile] = intel82599Config();
    const endpoint = new Endpoint({ functions: [profile, profile], bus: 1 });
    endpoint.functions.forEach((fn, i) => {
      fn.config.write32(0x10, i === 0 ? BAR_A : BAR_B);
      fn.config.write32(0x14, 0);
      fn.config.write16(0x04, 0x0006);
      fn.config.write32(AER + 0x14, 0);
    });
    return { endpoint, receiver: new EndpointReceiver(endpoint, { maxAccessWords: 2 }) };
  };
  const status = ({ config }: PcieFunction) => config.read16(0x06) & 0xf900;
  const errors = ({ config }: PcieFunction) => config.read32(AER + 0x04);

  it('notes Completer Abort in the function that is meant alone, and Signaled Target Abort in its Status', () => {
    const { endpoint, receiver } = setUp();
    const { outcome, completions } = receiver.receive(encodeTlp(read(BAR_B, 3)));
    expect([outcome, completions[0].status, completions[0].completer]).toEqual(['completerAbort', 4, 0x0101]);
    expect(endpoint.functions.map(errors)).toEqual([0, 1 << 15]);
    expect(endpoint.functions.map(status)).toEqual([0, 1 << 11]);
  });

  it.each<[string, (register: number) => TlpPacket]>([
    ['memory', () => write(BAR_B, word(1))],
    [
      'configuration',
      (register) => ({
        ...base,
        kind: 'CfgWr0',
        target: 0x0101,
        register,
        firstEnables: 15,
        payload: word(1),
      }),
    ],
  ])(
    'notes poisoned data for %s in the function that is meant alone, and Detected Parity Error',
    (_, tlp) => {
      const { endpoint, receiver } = setUp();
      const { completions } = receiver.receive(encodeTlp({ ...tlp(0x10), poisoned: true } as TlpPacket));
      for (const { status, completer } of completions) expect([status, completer]).toEqual([1, 0x0101]);
      expect(endpoint.functions.map(errors)).toEqual([0, 1 << 12]);
      expect(endpoint.functions.map(status)).toEqual([0, 1 << 15]);
    },
  );

  it('notes a request that a function claims and does not support in that one, and what none claims in all', () => {
    const { endpoint, receiver } = setUp();
    const locked = receiver.receive(encodeTlp({ ...read(BAR_B), kind: 'MRdLk' }));
    expect(locked.completions).toMatchObject([{ kind: 'CplLk', status: 1, completer: 0x0101 }]);
    expect(endpoint.functions.map(errors)).toEqual([0, 1 << 20]);
    receiver.receive(encodeTlp(read(NOBODY)));
    expect(endpoint.functions.map(errors)).toEqual([1 << 20, 1 << 20]);
  });

  it('notes a poisoned completion in the function that has asked', () => {
    const { endpoint, receiver } = setUp();
    const asked = { ...read(0x1000), requester: 0x0101 };
    receiver.outstanding.add(asked);
    const [completion] = completionsOf(asked, 0x0008, word(1), 128, 64);
    expect(receiver.receive(encodeTlp({ ...completion, poisoned: true })).outcome).toBe('poisonedTlp');
    expect(endpoint.functions.map(errors)).toEqual([0, 1 << 12]);
    expect(endpoint.functions.map(status)).toEqual([0, 1 << 15]);
  });
});
