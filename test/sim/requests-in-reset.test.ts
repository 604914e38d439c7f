import { describe, expect, it } from 'vitest';
import { createMachine, type RunningMachine } from '../../src/index.ts';
import type { Tlp } from '../../src/pcie/index.ts';
import { intel82599Chip } from '../../src/profiles/index.ts';
import { notReturned } from './rig.ts';

const SRIOV = 0x160;
const COMMAND = 4;
const DEVICE_CONTROL = 0xa8;
const DEVICE_STATUS = 0xaa;
const TRANSACTIONS_PENDING = 1 << 5;
const FLR = 0x8000;
const PF = 0x0100;
const VF0 = 0x0180;
const VF1 = 0x0182;

type Card = ReturnType<typeof intel82599Chip> | null;
/** The plain card, and the whole chip, which knows of what it has read only after some time. */
const CARDS: [string, Card][] = [
  ['the plain card', null],
  ['the whole chip', intel82599Chip()],
];

/** Two VFs that send and receive as fast as they can, beside the PF. */
function busy(nic: Card): RunningMachine {
  const machine = createMachine({
    ...(nic === null ? {} : { nic }),
    guests: [{ name: 'a' }, { name: 'b', driver: 'poll' }],
  });
  machine.host.sysfs.write('0000:01:00.0/sriov_numvfs', '2');
  machine.guests[0].traffic.send({ to: 'b', saturate: true, frameBytes: 1518 });
  machine.guests[1].traffic.send({ to: 'a', saturate: true });
  machine.host.traffic.send({ to: 'port', ratePps: 2e5 });
  machine.port.traffic.send({ to: 'host', ratePps: 2e5 });
  return machine;
}

/** Software of that machine, which reaches the card by configuration requests over the link. */
function software({ simulation }: RunningMachine) {
  const { rootComplex, rootPort, nic } = simulation.machine;
  const written: number[] = [];
  // Every posted request that takes effect, by its requester.
  const port = rootPort as unknown as { commit(tlp: Tlp): void; commitMessage(tlp: Tlp): void };
  for (const name of ['commit', 'commitMessage'] as const) {
    const usual = port[name].bind(rootPort);
    port[name] = (tlp) => {
      written.push(tlp.requester);
      usual(tlp);
    };
  }
  return {
    written,
    read: (id: number, at: number) => rootComplex.configRead(id, at, 2),
    write: (id: number, at: number, value: number) => rootComplex.configWrite(id, at, 2, value),
    /** Lets time pass; what does not belong to a run changes nothing of it. */
    wait: (us: number) => simulation.advance(simulation.nowPs + us * 1e6),
    isPending: (id: number) => (rootComplex.configRead(id, DEVICE_STATUS, 2) & TRANSACTIONS_PENDING) !== 0,
    received: (name: string) =>
      simulation.report({ partial: true }).flows.find((flow) => flow.name.startsWith(name))?.delivered ?? 0,
    nic,
  };
}

/** Everything is where it was, once those who can send no more have been left alone. */
function settles(machine: RunningMachine): void {
  const { simulation } = machine;
  expect(simulation.report({ partial: true }).conservation).toMatchObject({ balanced: true });
}

describe.each(CARDS)('%s:', (_name, card) => {
  describe('a Function Level Reset of a VF in the midst of its traffic', () => {
    const times = Array.from({ length: 6 }, (_, i) => 30 + i * 0.173);

    it.each(times)('is the end of its requests: nothing is written behind it, after %d us', (us) => {
      const machine = busy(card);
      const { written, read, write, wait, isPending, received } = software(machine);
      wait(us);
      write(VF0, DEVICE_CONTROL, read(VF0, DEVICE_CONTROL) | FLR);
      // The completion of that write has pushed what the VF had posted before.
      written.length = 0;
      expect(isPending(VF0)).toBe(false);
      // By then its driver has taken what it was told of before.
      wait(20);
      const before = [received('b to a'), received('host'), received('port')];
      wait(100);
      expect(written).not.toContain(VF0);
      expect(new Set(written)).toEqual(new Set([PF, VF1]));
      // Nobody else notices: what b sends has no receiver, and goes on.
      expect(received('b to a')).toBe(before[0]);
      expect(received('host')).toBeGreaterThan(before[1] + 15);
      expect(received('port')).toBeGreaterThan(before[2] + 15);
      expect(read(VF0, 6) & 0xf900).toBe(0);
      expect(read(PF, DEVICE_STATUS) & 0xf).toBe(0);
      settles(machine);
    });

    it('by the procedure of software: Bus Master Enable off, Transactions Pending clear, reset', () => {
      const machine = busy(card);
      const { read, write, wait, isPending, written } = software(machine);
      wait(30);
      let seen = false;
      for (let i = 0; i < 20 && !seen; i++) seen = isPending(VF0);
      expect(seen).toBe(true);
      write(VF0, COMMAND, 0);
      let polls = 0;
      while (isPending(VF0)) polls++;
      expect(polls).toBeLessThan(10);
      written.length = 0;
      wait(20);
      expect(isPending(VF0)).toBe(false);
      expect(written).not.toContain(VF0);
      // What it had asked for has come: nothing is discarded.
      write(VF0, DEVICE_CONTROL, read(VF0, DEVICE_CONTROL) | FLR);
      wait(100);
      expect(machine.simulation.machine.nic.requester.readErrors).toBe(0);
      settles(machine);
    });
  });

  describe('the end of the VFs in the midst of their traffic', () => {
    it.each([
      ['a Function Level Reset of the PF', DEVICE_CONTROL, FLR],
      ['VF Enable is cleared', SRIOV + 8, 0x10],
      ['the PF goes to D3hot, and back to D0', 0x44, 3],
    ])('leaves nothing of their requests: %s', (_, at, value) => {
      const machine = busy(card);
      const { read, write, wait, written, isPending, nic } = software(machine);
      wait(30);
      write(PF, at, value);
      if (at === 0x44) write(PF, at, 0);
      written.length = 0;
      expect(nic.pf.sriov?.count).toBe(0);
      wait(100);
      expect(written).not.toContain(VF0);
      expect(written).not.toContain(VF1);
      expect(read(VF0, 0)).toBe(0xffff);
      expect(isPending(PF)).toBe(false);
      settles(machine);
      // Tags, credits, records and slots are back; what is on the rings stays where software had put it.
      if (at === SRIOV + 8) return;
      // Others still send, so that at some moments something is under way; what is lost is missing at all of them.
      let left = ['not looked'];
      for (let moment = 0; moment < 10 && left.length > 0; moment++) {
        wait(0.37);
        left = notReturned(machine.simulation).filter((place) => !place.includes('rings'));
      }
      expect(left).toEqual([]);
    });
  });

  describe('Bus Master Enable that is cleared in the midst of traffic', () => {
    it('has the function issue no request any more, while the completions of what it has issued still count', () => {
      const machine = busy(card);
      const { write, wait, isPending, written, nic } = software(machine);
      wait(30);
      write(VF0, COMMAND, 0);
      const { readErrors } = nic.requester;
      const issued = () => {
        const { upstream } = machine.simulation.machine.link;
        const usual = upstream.send.bind(upstream);
        const requesters: number[] = [];
        upstream.send = (tlp: Tlp) => {
          if (tlp.store !== null) requesters.push(tlp.requester);
          usual(tlp);
        };
        return requesters;
      };
      const requesters = issued();
      wait(50);
      expect(requesters).not.toContain(VF0);
      expect(requesters).toContain(VF1);
      expect(isPending(VF0)).toBe(false);
      written.length = 0;
      // And it goes on where it was.
      write(VF0, COMMAND, 4);
      wait(50);
      expect(written).toContain(VF0);
      expect(nic.requester.readErrors).toBe(readErrors);
      settles(machine);
    });
  });
});
