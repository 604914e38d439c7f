import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  CreditFlowControl,
  creditsOfTlp,
  DataLink,
  Endpoint,
  EndpointReceiver,
  encodeDllp,
  encodeTlp,
  FlowClass,
  type FlowControlDllp,
  frameDllp,
  isNonPosted,
  parseDllp,
  type TlpPacket,
} from '../../../src/pcie/index.ts';
import { intel82599Config } from '../../../src/profiles/index.ts';
import { anyTlp } from './random-tlp.ts';

const { POSTED, NON_POSTED, COMPLETION } = FlowClass;
const UNCORRECTABLE = 0x104;
const FLOW_CONTROL_PROTOCOL = 1 << 13;
const RECEIVER_OVERFLOW = 1 << 17;
const BAR0 = 0xe000_0000;
const ADVERTISED = {
  postedHeaders: 2,
  postedData: 9,
  nonPostedHeaders: 1,
  nonPostedData: 1,
  completionHeaders: 0,
  completionData: 0,
};

const write = (bytes: number): TlpPacket => ({
  kind: 'MWr',
  requester: 0,
  tag: 0,
  address: BigInt(BAR0),
  firstEnables: 15,
  lastEnables: bytes === 4 ? 0 : 15,
  payload: new Uint8Array(bytes),
});

/** A link partner's data link layer, the device's, and the device with its flow control behind it. */
function device() {
  const flow = new CreditFlowControl({ advertised: ADVERTISED });
  const endpoint = new Endpoint({ functions: intel82599Config(), bus: 1 });
  const { config } = endpoint.functions[0];
  config.write32(0x10, BAR0);
  config.write16(0x04, 0x0006);
  const receiver = new EndpointReceiver(endpoint, { flowControl: flow });
  const [partner, link] = [new DataLink(), new DataLink()];
  const outcomes: string[] = [];
  link.onDllp = (dllp) => outcomes.push(receiver.receiveDllp(dllp));
  let now = 0;
  /** Sends a TLP by its bytes, from the partner to the device. */
  const send = (tlp: TlpPacket) => {
    partner.send(encodeTlp(tlp));
    now += 1000;
    const taken = link.receive(partner.transmit(now) ?? new Uint8Array(0), now);
    partner.receive(link.transmit(now + 300) ?? new Uint8Array(0), now + 310);
    return taken === null ? null : receiver.receive(taken).outcome;
  };
  const sendDllp = (dllp: Omit<FlowControlDllp, 'flowClass'> & { flowClass?: FlowClass }) => {
    link.receive(frameDllp(encodeDllp({ flowClass: POSTED, ...dllp }), '8b/10b'), now);
    return outcomes.at(-1);
  };
  return { flow, endpoint, send, sendDllp, link, uncorrectable: () => config.read32(UNCORRECTABLE) };
}

describe('a link partner that exceeds its credits', () => {
  it('of headers: the TLP is discarded as Receiver Overflow, which is fatal, and those within them are done', () => {
    const { send, uncorrectable, endpoint, flow } = device();
    expect([send(write(4)), send(write(4)), uncorrectable()]).toEqual(['accepted', 'accepted', 0]);
    expect(send(write(4))).toBe('receiverOverflow');
    expect(uncorrectable()).toBe(RECEIVER_OVERFLOW);
    const [pf] = endpoint.functions;
    expect(pf.config.read16(pf.findCapability(0x10) + 0x0a) & 7).toBe(4);
    // It has taken nothing: a buffer that is free again is one.
    flow.release({ flowClass: POSTED, data: 1 });
    expect([send(write(4)), send(write(4))]).toEqual(['accepted', 'receiverOverflow']);
  });

  it('of data, though there is a header left', () => {
    const { send, uncorrectable } = device();
    // Nine units of 16 bytes: 128 and 16.
    expect([send(write(128)), send(write(20)), uncorrectable()]).toEqual([
      'accepted',
      'receiverOverflow',
      RECEIVER_OVERFLOW,
    ]);
    expect(send(write(16))).toBe('accepted');
  });

  it('of one class, and not of another; without end there is always room', () => {
    const { send } = device();
    const { payload: _, ...header } = write(4) as Extract<TlpPacket, { kind: 'MWr' }>;
    const read: TlpPacket = { ...header, kind: 'MRd', words: 1 };
    expect([send(read), send(read), send(write(4))]).toEqual(['accepted', 'receiverOverflow', 'accepted']);
    const flow = new CreditFlowControl({ advertised: ADVERTISED });
    for (let i = 0; i < 5000; i++) expect(flow.take({ flowClass: COMPLETION, data: 8 })).toBe(true);
  });
});

describe('a link partner that advertises', () => {
  const init = (headerCredits: number, dataCredits: number, flowClass: FlowClass = POSTED) =>
    ({ kind: 'InitFC1', flowClass, headerCredits, dataCredits }) as const;
  const update = (headerCredits: number, dataCredits: number, flowClass: FlowClass = POSTED) =>
    ({ kind: 'UpdateFC', flowClass, headerCredits, dataCredits }) as const;

  it.each([
    ['more than 127 headers', init(128, 64)],
    ['more than 2,047 units of data', init(32, 2048)],
    ['less data than a payload of Max_Payload_Size', init(32, 7)],
  ])('%s breaks the rules: Flow Control Protocol Error', (_, dllp) => {
    const { sendDllp, uncorrectable } = device();
    expect(sendDllp(dllp)).toBe('flowControlProtocol');
    expect(uncorrectable()).toBe(FLOW_CONTROL_PROTOCOL);
  });

  it.each([
    ['more headers than may be outstanding', init(100, 64), update(130, 64)],
    ['more data than may be outstanding', init(100, 2000), update(100, 2050)],
    ['fewer than it had', init(100, 64), update(255, 64)],
    ['headers, of which it had no end', init(0, 64), update(1, 64)],
    ['data, of which it had no end', init(32, 0), update(32, 8)],
  ])('%s in an UpdateFC breaks them as well', (_, first, second) => {
    const { sendDllp, uncorrectable } = device();
    expect([sendDllp(first), uncorrectable()]).toEqual(['accepted', 0]);
    expect(sendDllp(second)).toBe('flowControlProtocol');
    expect(uncorrectable()).toBe(FLOW_CONTROL_PROTOCOL);
  });

  it('what is allowed is not an error: the most, the least, no end, and what it says again', () => {
    const { sendDllp, uncorrectable, link } = device();
    const dllps = [
      init(127, 2047),
      init(127, 2047),
      { ...init(127, 2047), kind: 'InitFC2' as const },
      update(127, 2047),
      init(1, 1, NON_POSTED),
      init(0, 0, COMPLETION),
      update(0, 0, COMPLETION),
      { ...init(200, 0), virtualChannel: 1 },
    ];
    expect(dllps.map(sendDllp)).toEqual(dllps.map(() => 'accepted'));
    expect(uncorrectable()).toBe(0);
    // With a wrong CRC nobody reads it.
    const bad = encodeDllp(init(128, 64, NON_POSTED));
    bad[4] ^= 1;
    link.receive(frameDllp(bad, '8b/10b'), 0);
    expect([link.counters.badDllps, uncorrectable()]).toEqual([1, 0]);
  });
});

describe('buffers', () => {
  it('are free again only of what was taken: a refusal changes nothing', () => {
    const flow = new CreditFlowControl({ advertised: ADVERTISED });
    const tlp = { flowClass: POSTED, data: 1 };
    expect(() => flow.release(tlp)).toThrow(
      new RangeError('TLP must be one that was taken, got one of a class that holds none'),
    );
    expect(flow.take(tlp)).toBe(true);
    expect(() => flow.release({ ...tlp, data: 2 })).toThrow('data must be an integer from 0 to 1, got 2');
    expect(() => flow.release({ ...tlp, flowClass: NON_POSTED })).toThrow(RangeError);
    const { headerCredits } = flow.dllp('UpdateFC', POSTED);
    expect(flow.release(tlp).headerCredits).toBe(headerCredits + 1);
    expect(flow.take(tlp)).toBe(true);
  });
});

describe('two ends that keep to their credits', () => {
  it('never overflow, whatever they send, and credits go round their fields', () => {
    const sizes = fc.array(fc.tuple(fc.constantFrom(POSTED, NON_POSTED), fc.integer({ min: 0, max: 9 })), {
      minLength: 500,
      maxLength: 3000,
    });
    fc.assert(
      fc.property(sizes, fc.integer({ min: 0, max: 7 }), (all, hold) => {
        const [a, b] = [1, 2].map(() => new CreditFlowControl({ advertised: ADVERTISED }));
        for (const flowClass of [POSTED, NON_POSTED, COMPLETION]) {
          const { dllp } = parseDllp(encodeDllp(b.dllp('InitFC1', flowClass)));
          expect(dllp !== null && a.receive(dllp)).toBe(true);
        }
        const held: { flowClass: FlowClass; data: number }[] = [];
        for (const [flowClass, units] of all) {
          const tlp = { flowClass, data: flowClass === POSTED ? units : Math.min(1, units) };
          while (!a.send(tlp)) {
            const { dllp } = parseDllp(encodeDllp(b.release(held.shift() ?? tlp)));
            expect(dllp !== null && a.receive(dllp)).toBe(true);
          }
          expect(b.take(tlp)).toBe(true);
          held.push(tlp);
          if (held.length > hold) {
            const { dllp } = parseDllp(encodeDllp(b.release(held.shift() ?? tlp)));
            expect(dllp !== null && a.receive(dllp)).toBe(true);
          }
        }
      }),
      { numRuns: 50 },
    );
  });
});

describe('the credits of a TLP', () => {
  it('are a header of its class, and its payload in units of 16 bytes, read from its bytes', () => {
    fc.assert(
      fc.property(anyTlp(), (tlp) => {
        const payload = 'payload' in tlp ? tlp.payload.length : 0;
        const flowClass = tlp.kind.startsWith('Cpl') ? COMPLETION : isNonPosted(tlp) ? NON_POSTED : POSTED;
        expect(creditsOfTlp(encodeTlp(tlp))).toEqual({ flowClass, data: Math.ceil(payload / 16) });
      }),
    );
  });

  it('of bytes that are none are some', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
        const { flowClass, data } = creditsOfTlp(bytes);
        expect([POSTED, NON_POSTED, COMPLETION]).toContain(flowClass);
        expect(data).toBeLessThanOrEqual(256);
      }),
    );
  });
});
