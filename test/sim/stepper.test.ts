import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ProbeKind as Kind, type ProbeKind } from '../../src/kernel/index.ts';
import { type BreakpointOptions, createMachine, Stepper } from '../../src/sim/index.ts';

function makeMachine() {
  const machine = createMachine({ seed: 3, guests: [{ name: 'a' }, { name: 'b' }] });
  machine.host.sysfs.write('0000:01:00.0/sriov_numvfs', '2');
  machine.guests[0].traffic.send({ to: 'b', frameBytes: 128, ratePps: 2e6 });
  return machine;
}

/** A machine whose records of some kinds are noted, and its stepper. */
function noted(...kinds: ProbeKind[]) {
  const machine = makeMachine();
  const records: { timePs: number; kind: ProbeKind; a: number; b: number; c: number }[] = [];
  machine.simulation.probe.sink = {
    record: (timePs, kind, a, b, c) => {
      if (kinds.includes(kind)) records.push({ timePs, kind, a, b, c });
    },
  };
  return { machine, records, stepper: new Stepper(machine.simulation) };
}

const SPAN_PS = 20_000_000;

describe('Stepper', () => {
  it('runs one event at a time, and says which came and which comes', () => {
    const { stepper, machine } = noted();
    const { scheduler } = machine;
    for (let i = 0; i < 500; i++) {
      const { events, nextPs } = scheduler;
      const expected = scheduler.taskName(scheduler.nextTask);
      const stop = stepper.step();
      expect(stop).toMatchObject({ reason: 'steps', timePs: nextPs, lastEvent: expected });
      expect(scheduler.events).toBe(events + 1);
      expect(stop.next).toEqual({ event: scheduler.taskName(scheduler.nextTask), timePs: scheduler.nextPs });
    }
  });

  it('runs to the edges of the core clock', () => {
    const { stepper, machine } = noted();
    const period = machine.nic.profile.coreClockPs;
    const first = stepper.stepCycles();
    expect(first.timePs % period).toBe(0);
    expect(stepper.stepCycles(7).timePs).toBe(first.timePs + 7 * period);
    expect(stepper.stepCycles(7).cycle).toBe(first.cycle + 14);
    expect(machine.scheduler.nextPs).toBeGreaterThan(machine.scheduler.now);
  });

  it('stops before an event, each time once', () => {
    const { stepper } = noted();
    stepper.break({ event: 'nic.switch' });
    const first = stepper.run();
    expect(first).toMatchObject({ reason: 'breakpoint', breakpoint: { event: 'nic.switch' } });
    expect(first.next?.event).toBe('nic.switch');
    expect(first.lastEvent).not.toBe('nic.switch');
    const second = stepper.run();
    expect(second.next?.event).toBe('nic.switch');
    expect(second.timePs).toBeGreaterThan(first.next?.timePs ?? Number.NaN);
  });

  it('stops before an event once for each breakpoint, and goes on', () => {
    const { stepper, machine } = noted();
    stepper.break({ event: 'nic.switch' });
    stepper.break({ event: 'nic.switch' });
    const events = [0, 0, 0, 0].map(() => {
      stepper.run();
      return machine.scheduler.events;
    });
    expect(events[1]).toBe(events[0]);
    expect(events[2]).toBeGreaterThan(events[1]);
    expect(events[3]).toBe(events[2]);
  });

  it('stops before what is due at an instant, and goes on', () => {
    const { stepper, machine } = noted();
    const timePs = machine.scheduler.now + 5_000_000;
    stepper.break({ timePs });
    const stop = stepper.run({ untilPs: timePs + SPAN_PS });
    expect(stop.breakpoint).toEqual({ timePs });
    expect(stop.timePs).toBeLessThan(timePs);
    expect(stop.next?.timePs).toBeGreaterThanOrEqual(timePs);
    expect(stepper.run({ untilPs: timePs + SPAN_PS }).reason).toBe('limit');
    expect(machine.scheduler.now).toBe(timePs + SPAN_PS);
  });

  it('stops behind the n-th frame that comes in at a port, and then behind each', () => {
    const { stepper, records } = noted(Kind.FRAME_IN);
    stepper.break({ frame: { port: 0, nth: 5 } });
    expect(stepper.run().reason).toBe('breakpoint');
    expect(records).toHaveLength(5);
    expect(records.every(({ b }) => b === 0)).toBe(true);
    stepper.run();
    expect(records).toHaveLength(6);
  });

  it('stops behind a frame that leaves at a port, and one that is dropped', () => {
    const { stepper, machine, records } = noted(Kind.FRAME_DROPPED, Kind.FRAME_OUT);
    const leaves = stepper.break({ frame: { at: 'out', port: 1 } });
    expect(stepper.run().reason).toBe('breakpoint');
    expect(records.map(({ kind }) => kind)).toEqual([Kind.FRAME_OUT]);
    stepper.clear(leaves);
    stepper.break({ frame: { at: 'dropped' } });
    // The receiver's ring stops: there is nowhere to put its frames.
    machine.nic.data.receive.disable(1 * machine.nic.profile.queuesPerPool);
    expect(stepper.run().breakpoint).toEqual({ frame: { at: 'dropped' } });
    expect(records.filter(({ kind }) => kind === Kind.FRAME_DROPPED)).toHaveLength(1);
  });

  it('stops behind the access to a register', () => {
    const { stepper, machine, records } = noted(Kind.REGISTER_WRITE);
    const routingId = machine.nic.pf.sriov?.vf(0).routingId;
    stepper.break({ register: { access: 'write', routingId } });
    const stop = stepper.run({ untilPs: machine.scheduler.now + SPAN_PS });
    expect(stop.reason).toBe('breakpoint');
    // VFTDT of queue 0: the doorbell of the sender.
    expect(records.at(-1)).toMatchObject({ a: routingId, b: 0x2018, timePs: stop.timePs });
  });

  it('stops behind the event in which a counter comes to a value', () => {
    const { stepper, machine } = noted();
    const frames = () => machine.nic.data.transmit.framesFetched;
    stepper.break({ counter: { name: 'nic.transmit.framesFetched', atLeast: frames() + 10 } });
    const goal = frames() + 10;
    expect(stepper.run().reason).toBe('breakpoint');
    expect(frames()).toBe(goal);
    // Reached is reached: it does not stop there again.
    expect(stepper.run({ untilPs: machine.scheduler.now + SPAN_PS }).reason).toBe('limit');
  });

  it('forgets a breakpoint that is cleared', () => {
    const { stepper, machine } = noted();
    const number = stepper.break({ event: 'nic.switch' });
    expect(stepper.clear(number)).toBe(true);
    expect(stepper.clear(number)).toBe(false);
    expect(stepper.run({ untilPs: machine.scheduler.now + SPAN_PS }).reason).toBe('limit');
  });

  it('leaves the records to the sink that was there, and gives it back', () => {
    const { stepper, machine, records } = noted(Kind.FRAME_IN);
    stepper.step(300);
    expect(records.length).toBeGreaterThan(0);
    stepper.end();
    const sink = machine.simulation.probe.sink;
    const count = records.length;
    machine.simulation.advance(machine.scheduler.now + SPAN_PS);
    expect(records.length).toBeGreaterThan(count);
    expect(machine.simulation.probe.sink).toBe(sink);
  });

  it('takes the same course as a run without it, however it stops', () => {
    const plain = makeMachine();
    const end = plain.scheduler.now + SPAN_PS;
    plain.simulation.advance(end);
    const moves = fc.array(
      fc.oneof(
        fc.record({ move: fc.constant('step'), count: fc.integer({ min: 1, max: 60 }) }),
        fc.record({ move: fc.constant('cycles'), count: fc.integer({ min: 1, max: 60 }) }),
        fc.record({ move: fc.constant('run'), count: fc.integer({ min: 1, max: 3 }) }),
      ),
      { maxLength: 25 },
    );
    const points: BreakpointOptions[] = [
      { event: 'nic.switch' },
      { frame: { at: 'out' } },
      { register: {} },
      { counter: { name: 'nic.transmit.framesFetched', atLeast: 9 } },
    ];
    const breakpoints = fc.subarray(points);
    fc.assert(
      fc.property(moves, breakpoints, (walk, set) => {
        const machine = makeMachine();
        const stepper = new Stepper(machine.simulation);
        for (const options of set) stepper.break(options);
        for (const { move, count } of walk) {
          if (machine.scheduler.nextPs > end - 100_000) break;
          if (move === 'step')
            for (let i = 0; i < count && machine.scheduler.nextPs < end; i++) stepper.step();
          else if (move === 'cycles') {
            const period = machine.nic.profile.coreClockPs;
            if (machine.scheduler.now + (count + 1) * period < end) stepper.stepCycles(count);
          } else for (let i = 0; i < count; i++) stepper.run({ untilPs: end });
        }
        while (stepper.run({ untilPs: end }).reason === 'breakpoint');
        expect(machine.scheduler.digest).toBe(plain.scheduler.digest);
        expect(machine.scheduler.events).toBe(plain.scheduler.events);
      }),
      { numRuns: process.env['SRIOVSIM_LONG'] ? 60 : 8 },
    );
  });

  it.each([[5], [null], [{ untilPS: 5 }], [{ untilPs: '5' }]])('does not run with options %j', (options) => {
    const stepper = new Stepper(makeMachine().simulation);
    expect(() => stepper.run(options as unknown as { untilPs: number })).toThrow(/options|untilPs/);
  });

  it.each<[object, string]>([
    [{}, 'breakpoint must have one of timePs, event, register, counter, frame, got 0 of them'],
    [{ timePs: 1, event: 'x' }, 'got 2 of them'],
    [{ evnt: 'x' }, 'breakpoint'],
    [{ event: 'nic.swich' }, 'breakpoint.event: no task is called "nic.swich" (did you mean "nic.switch"?)'],
    [{ event: 5 }, 'breakpoint.event must be a string, got 5'],
    [{ event: null }, 'breakpoint.event must be a string, got null'],
    [{ counter: { name: 5, atLeast: 1 } }, 'breakpoint.counter.name must be a string, got 5'],
    [{ counter: null }, 'breakpoint.counter must be an object'],
    [{ event: 'cancelled' }, 'no task is called "cancelled"'],
    [
      { counter: { name: 'nic.transmit.framesFetchd', atLeast: 1 } },
      '(did you mean "nic.transmit.framesFetched"?)',
    ],
    [{ frame: { at: 'through' } }, 'breakpoint.frame.at'],
    [{ register: { bar: 9 } }, 'breakpoint.register.bar'],
    [{ timePs: -1 }, 'breakpoint.timePs'],
  ])('refuses %j', (options, message) => {
    const stepper = new Stepper(makeMachine().simulation);
    expect(() => stepper.break(options as BreakpointOptions)).toThrow(message);
  });
});
