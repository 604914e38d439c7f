import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { CreditAdvertisement } from '../../../src/pcie/credits.ts';
import { updateLatencySymbols } from '../../../src/pcie/link-rate.ts';
import { FlowClass, TlpKind } from '../../../src/pcie/tlp.ts';
import { FLIGHT_PS, INFINITE, LinkRig } from './link-rig.ts';

const { MEMORY_READ, MEMORY_WRITE, COMPLETION_DATA } = TlpKind;
const { POSTED, NON_POSTED, COMPLETION } = FlowClass;
const KINDS = [MEMORY_WRITE, MEMORY_READ, COMPLETION_DATA];

/** One header of each class, and payload for it. */
const ONE: CreditAdvertisement = {
  postedHeaders: 1,
  postedData: 64,
  nonPostedHeaders: 1,
  nonPostedData: 64,
  completionHeaders: 1,
  completionData: 64,
};

/** A rig whose receiver keeps all credits until the test gives them back. */
function stuck(credits: Partial<CreditAdvertisement>): LinkRig {
  return new LinkRig({ rootCredits: { ...INFINITE, ...credits } }, -1);
}

describe('flow control', () => {
  it('lets no more TLPs of a class out than its receiver has advertised headers', () => {
    const rig = stuck({ postedHeaders: 3, postedData: 1000 });
    for (let i = 0; i < 10; i++) rig.send(rig.link.upstream, MEMORY_WRITE, 4);
    rig.scheduler.runUntilIdle();
    expect(rig.arrivedUp.map(({ id }) => id)).toEqual([0, 1, 2]);
  });

  it('lets no more payload of a class out than its receiver has advertised units of 16 bytes', () => {
    const rig = stuck({ postedHeaders: 100, postedData: 16 });
    for (let i = 0; i < 10; i++) rig.send(rig.link.upstream, MEMORY_WRITE, 112);
    rig.scheduler.runUntilIdle();
    expect(rig.arrivedUp.map(({ id }) => id)).toEqual([0, 1]);
  });

  it('starts the TLP that waited at the instant at which the UpdateFC arrives', () => {
    const rig = stuck({ ...ONE });
    rig.send(rig.link.upstream, MEMORY_WRITE, 4);
    rig.send(rig.link.upstream, MEMORY_WRITE, 4);
    rig.scheduler.runUntil(50_000_000);
    expect(rig.arrivedUp).toHaveLength(1);
    rig.release(rig.link.upstream, rig.arrivedUp[0]);
    rig.scheduler.runUntilIdle();
    // The UpdateFC takes 8 symbols and the flight, the TLP 24 and the flight.
    expect(rig.arrivedUp[1].timePs).toBe(
      50_000_000 + LinkRig.slowPs(8) + FLIGHT_PS + LinkRig.slowPs(24) + FLIGHT_PS,
    );
  });

  const hopPs = LinkRig.slowPs(8) + FLIGHT_PS + LinkRig.slowPs(24) + FLIGHT_PS;

  it('sends an UpdateFC at once where the receiver had nothing left', () => {
    for (const few of [
      { postedHeaders: 1, postedData: 64 },
      { postedHeaders: 64, postedData: 16 },
    ]) {
      const rig = stuck(few);
      for (let i = 0; i < 4; i++) rig.send(rig.link.upstream, MEMORY_WRITE, few.postedData === 16 ? 256 : 4);
      const bytes = few.postedData === 16 ? 276 : 24;
      for (let i = 0; i < 3; i++) {
        rig.scheduler.runUntilIdle();
        const released = rig.scheduler.now;
        rig.release(rig.link.upstream, rig.arrivedUp[i]);
        rig.scheduler.runUntilIdle();
        expect(rig.arrivedUp[i + 1].timePs - released).toBe(hopPs + LinkRig.slowPs(bytes - 24));
      }
    }
  });

  it('sends another one of its class an update latency later at the earliest, where the receiver has some left', () => {
    const rig = stuck({ postedHeaders: 3, postedData: 64 });
    for (let i = 0; i < 6; i++) rig.send(rig.link.upstream, MEMORY_WRITE, 4);
    rig.scheduler.runUntilIdle();
    const released = rig.scheduler.now;
    // The first one travels at once, the others together.
    for (const arrival of [...rig.arrivedUp]) rig.release(rig.link.upstream, arrival);
    rig.scheduler.runUntilIdle();
    const latencyPs = Math.ceil(updateLatencySymbols({ generation: 1, lanes: 1 }, 256) * 4000);
    expect(rig.arrivedUp.slice(3).map(({ timePs }) => timePs - released)).toEqual([
      hopPs,
      latencyPs + hopPs,
      latencyPs + hopPs + LinkRig.slowPs(24),
    ]);
  });

  it('counts a train that had to wait for credits once', () => {
    const rig = stuck({ postedHeaders: 1, postedData: 64 });
    for (let i = 0; i < 4; i++) rig.send(rig.link.upstream, MEMORY_WRITE, 4);
    for (let i = 0; i < 3; i++) {
      // Looked at again and again meanwhile, for other classes.
      for (let k = 0; k < 5; k++) rig.send(rig.link.upstream, MEMORY_READ, 4);
      rig.scheduler.runUntil(rig.scheduler.now + 10_000_000);
      rig.release(rig.link.upstream, rig.arrivedUp.filter(({ flowClass }) => flowClass === POSTED)[i]);
    }
    rig.scheduler.runUntilIdle();
    expect(rig.link.upstream.counters().creditStalls).toBe(3);
  });

  it('refuses a train that needs more credits than the receiver has ever advertised, instead of waiting for ever', () => {
    const rig = stuck({ postedHeaders: 2, postedData: 64 });
    expect(() => rig.send(rig.link.upstream, MEMORY_WRITE, 768, 3)).toThrow(
      'link.upstream: a train needs 3 header and 48 data credits, the receiver advertises 2 and 64',
    );
  });

  it('tells a transmitter how many credits each class has', () => {
    const rig = stuck({ postedHeaders: 5, postedData: 64 });
    rig.send(rig.link.upstream, MEMORY_WRITE, 4);
    expect(rig.link.upstream.headerCredits(POSTED)).toBe(4);
  });
});

describe('ordering', () => {
  it('lets a posted request pass non-posted ones that wait for credits', () => {
    const rig = stuck({ nonPostedHeaders: 1, nonPostedData: 1 });
    for (let i = 0; i < 3; i++) rig.send(rig.link.upstream, MEMORY_READ, 4);
    rig.send(rig.link.upstream, MEMORY_WRITE, 4);
    rig.scheduler.runUntilIdle();
    expect(rig.arrivedUp.map(({ id }) => id)).toEqual([0, 3]);
  });

  it('lets a posted request pass completions that wait for credits', () => {
    const rig = stuck({ completionHeaders: 1, completionData: 16 });
    for (let i = 0; i < 3; i++) rig.send(rig.link.upstream, COMPLETION_DATA, 64);
    rig.send(rig.link.upstream, MEMORY_WRITE, 4);
    rig.scheduler.runUntilIdle();
    expect(rig.arrivedUp.map(({ id }) => id)).toEqual([0, 3]);
  });

  it('lets neither a read nor a completion pass a posted request that waits for credits', () => {
    const rig = stuck({ postedHeaders: 1, postedData: 64 });
    rig.send(rig.link.upstream, MEMORY_WRITE, 4);
    rig.send(rig.link.upstream, MEMORY_WRITE, 4);
    rig.send(rig.link.upstream, MEMORY_READ, 4);
    rig.send(rig.link.upstream, COMPLETION_DATA, 4);
    rig.scheduler.runUntilIdle();
    expect(rig.arrivedUp.map(({ id }) => id)).toEqual([0]);
    rig.release(rig.link.upstream, rig.arrivedUp[0]);
    rig.scheduler.runUntilIdle();
    expect(rig.arrivedUp.map(({ id }) => id)).toEqual([0, 1, 3, 2]);
  });

  it('lets reads go that were queued before the posted request that waits', () => {
    const rig = stuck({ postedHeaders: 1, postedData: 64, nonPostedHeaders: 1, nonPostedData: 1 });
    rig.send(rig.link.upstream, MEMORY_READ, 4);
    rig.send(rig.link.upstream, MEMORY_READ, 4);
    rig.send(rig.link.upstream, MEMORY_WRITE, 4);
    rig.send(rig.link.upstream, MEMORY_WRITE, 4);
    rig.scheduler.runUntilIdle();
    expect(rig.arrivedUp.map(({ id }) => id)).toEqual([0, 2]);
    rig.release(rig.link.upstream, rig.arrivedUp[0]);
    rig.scheduler.runUntilIdle();
    expect(rig.arrivedUp.map(({ id }) => id)).toEqual([0, 2, 1]);
  });
});

describe('a reset', () => {
  it('empties both directions: nothing queued or under way arrives, every record and credit is back, counters are zero', () => {
    const rig = stuck({ postedHeaders: 4, postedData: 64 });
    for (let i = 0; i < 20; i++) rig.send(rig.link.upstream, MEMORY_WRITE, 64);
    for (let i = 0; i < 20; i++) rig.send(rig.link.downstream, MEMORY_READ, 64);
    rig.scheduler.runUntil(rig.scheduler.now + 450_000);
    const arrived = rig.arrivedUp.length + rig.arrivedDown.length;
    expect(arrived).toBeGreaterThan(0);
    rig.link.reset();
    for (const count of Object.values(rig.link.counters())) expect(count).toBe(0);
    rig.scheduler.runUntilIdle();
    expect(rig.arrivedUp.length + rig.arrivedDown.length).toBe(arrived);
    expect(rig.tlps.available).toBe(rig.tlps.capacity);
    expect(rig.link.upstream.headerCredits(POSTED)).toBe(4);
    const sentAt = rig.scheduler.now;
    rig.send(rig.link.upstream, MEMORY_WRITE, 4);
    rig.scheduler.runUntilIdle();
    expect(rig.arrivedUp.at(-1)?.timePs).toBe(sentAt + LinkRig.slowPs(24) + FLIGHT_PS);
  });
});

describe('transmit queues', () => {
  it('say when there is room again after they have been short of it', () => {
    const rig = new LinkRig();
    const { upstream } = rig.link;
    let called = 0;
    upstream.onRoom = () => called++;
    while (upstream.room(POSTED) > 0) rig.send(upstream, MEMORY_WRITE, 4);
    rig.scheduler.runUntilIdle();
    expect(called).toBe(1);
    expect(upstream.room(POSTED)).toBe(32);
  });

  it('do not say so when nobody was refused', () => {
    const rig = new LinkRig();
    const { upstream } = rig.link;
    upstream.onRoom = () => expect.unreachable('nobody has asked');
    for (let i = 0; i < 10; i++) rig.send(upstream, MEMORY_WRITE, 4);
    rig.scheduler.runUntilIdle();
  });

  it('say so for one class while another one is stuck', () => {
    const rig = stuck({ nonPostedHeaders: 1, nonPostedData: 1 });
    const { upstream } = rig.link;
    let called = 0;
    upstream.onRoom = () => called++;
    while (upstream.room(NON_POSTED) > 0) rig.send(upstream, MEMORY_READ, 4);
    while (upstream.room(POSTED) > 0) rig.send(upstream, MEMORY_WRITE, 4);
    rig.scheduler.runUntilIdle();
    expect(called).toBeGreaterThan(0);
    expect(upstream.room(NON_POSTED)).toBe(0);
    expect(upstream.room(POSTED)).toBe(32);
  });

  it('lose, double and reorder nothing under random load with a few credits', () => {
    const few = fc.record({
      postedHeaders: fc.integer({ min: 1, max: 4 }),
      postedData: fc.integer({ min: 16, max: 40 }),
      nonPostedHeaders: fc.integer({ min: 1, max: 4 }),
      nonPostedData: fc.constant(1),
      completionHeaders: fc.integer({ min: 1, max: 4 }),
      completionData: fc.integer({ min: 16, max: 40 }),
    });
    const step = fc.record({
      gap: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 200_000 })),
      up: fc.boolean(),
      kind: fc.constantFrom(...KINDS),
      bytes: fc.integer({ min: 1, max: 256 }),
    });
    fc.assert(
      fc.property(
        few,
        few,
        fc.integer({ min: 0, max: 900_000 }),
        fc.array(step, { maxLength: 200 }),
        (up, down, hold, program) => {
          const rig = new LinkRig(
            { rate: { generation: 3, lanes: 4 }, rootCredits: up, deviceCredits: down },
            hold,
          );
          const sent: { up: boolean; id: number; kind: TlpKind }[] = [];
          // What finds no room waits in a queue of its own; onRoom has to bring it out again.
          const waiting = { up: [] as (typeof program)[number][], down: [] as (typeof program)[number][] };
          const trySend = (isUp: boolean) => {
            const direction = isUp ? rig.link.upstream : rig.link.downstream;
            const queue = isUp ? waiting.up : waiting.down;
            while (queue.length > 0) {
              const { kind, bytes } = queue[0];
              if (direction.room(KINDS.indexOf(kind) as FlowClass) === 0) return;
              queue.shift();
              const id = rig.send(direction, kind, bytes);
              sent.push({ up: isUp, id, kind });
            }
          };
          rig.link.upstream.onRoom = () => trySend(true);
          rig.link.downstream.onRoom = () => trySend(false);
          for (const step of program) {
            rig.scheduler.runUntil(rig.scheduler.now + step.gap);
            (step.up ? waiting.up : waiting.down).push(step);
            trySend(step.up);
          }
          rig.scheduler.runUntilIdle();
          expect([waiting.up.length, waiting.down.length]).toEqual([0, 0]);
          expect(rig.tlps.available).toBe(rig.tlps.capacity);
          for (const [isUp, arrived] of [
            [true, rig.arrivedUp],
            [false, rig.arrivedDown],
          ] as const) {
            for (const kind of KINDS) {
              const ids = sent
                .filter((train) => train.up === isUp && train.kind === kind)
                .map(({ id }) => id);
              expect(arrived.filter((train) => train.kind === kind).map(({ id }) => id)).toEqual(ids);
            }
            // A read or completion never overtakes a posted request that was sent before it.
            let posted = -1;
            const postedIds = arrived.filter(({ kind }) => kind === MEMORY_WRITE).map(({ id }) => id);
            for (const { id, kind } of arrived) {
              if (kind === MEMORY_WRITE) posted = id;
              else
                for (const other of postedIds) if (other < id) expect(posted).toBeGreaterThanOrEqual(other);
            }
          }
          // Every credit has come back.
          rig.scheduler.runUntil(rig.scheduler.now + 10_000_000);
          const headers = [POSTED, NON_POSTED, COMPLETION].map((flowClass) =>
            rig.link.upstream.headerCredits(flowClass),
          );
          expect(headers).toEqual([up.postedHeaders, up.nonPostedHeaders, up.completionHeaders]);
        },
      ),
      { numRuns: 200 },
    );
  });
});
