import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FramePool } from '../../src/base/index.ts';
import {
  entrySlot,
  NicSwitch,
  type VPort,
  type VPortLimits,
  type VPortState,
  VPortTable,
} from '../../src/nicswitch/index.ts';
import { BROADCAST, frameBytes, GROUP, mac, putFrame, STRANGER } from './fixtures.ts';

function made(limits: Partial<VPortLimits> = {}, places = 8) {
  const frames = new FramePool({ slots: 256 });
  const nicSwitch = new NicSwitch({ frames, vports: places });
  const table = new VPortTable(nicSwitch, { limits });
  const push = (from: number, to: number, source = STRANGER) =>
    nicSwitch.input.push(from, putFrame(frames, frameBytes({ to, from: source })));
  return { frames, nicSwitch, table, push };
}

function drain(nicSwitch: NicSwitch, frames: FramePool, place: number): number {
  let count = 0;
  for (let entry = nicSwitch.output.shift(place); entry >= 0; entry = nicSwitch.output.shift(place)) {
    frames.release(entrySlot(entry));
    count++;
  }
  return count;
}

describe('the default VPort', () => {
  it("has the identifier 0, is the PF's, active, and takes what nobody else takes", () => {
    const { table, nicSwitch, push } = made();
    expect(table.default).toMatchObject({ id: 0, place: 0, owner: 'pf', state: 'activated' });
    push(nicSwitch.uplink, STRANGER);
    nicSwitch.forward();
    expect(table.default.counters.framesOut).toBe(1);
  });

  it('is always there: it can be neither deactivated nor deleted, and no other can have its identifier', () => {
    const { table } = made();
    expect(() => table.default.deactivate()).toThrow('VPort 0 is the default one: it cannot be deactivated');
    expect(() => table.default.delete()).toThrow('VPort 0 is the default one: it cannot be deleted');
    expect(() => table.create({ id: 0 })).toThrow(/id must be an integer from 1/);
    expect(table.default.state).toBe('activated');
  });

  it('can have any place', () => {
    const nicSwitch = new NicSwitch({ frames: new FramePool({ slots: 8 }), vports: 8 });
    const table = new VPortTable(nicSwitch, { defaultPlace: 7 });
    expect(table.default.place).toBe(7);
    expect(table.create({ owner: { vf: 0 } })).toMatchObject({ id: 1, place: 0 });
    expect(table.at(7)).toBe(table.default);
    expect(table.at(6)).toBeNull();
  });
});

describe('the life of a VPort', () => {
  it('on a VF begins active, on the PF not', () => {
    const { table } = made();
    expect(table.create({ owner: { vf: 3 } }).state).toBe('activated');
    expect(table.create().state).toBe('created');
  });

  /** From each state, what each step leads to: a state, or what is thrown. */
  const STEPS: { from: VPortState; activate: string; deactivate: string; delete: string }[] = [
    { from: 'created', activate: 'activated', deactivate: 'is not active', delete: 'deleted' },
    { from: 'activated', activate: 'is active already', deactivate: 'deactivated', delete: 'deleted' },
    { from: 'deactivated', activate: 'activated', deactivate: 'is not active', delete: 'deleted' },
    { from: 'deleted', activate: 'is deleted', deactivate: 'is deleted', delete: 'is deleted' },
  ];

  it.each(STEPS)('from $from', ({ from, ...steps }) => {
    for (const step of ['activate', 'deactivate', 'delete'] as const) {
      const { table } = made();
      const vport = table.create();
      if (from !== 'created') vport.activate();
      if (from === 'deactivated') vport.deactivate();
      if (from === 'deleted') vport.delete();
      expect(vport.state).toBe(from);
      const wanted = steps[step];
      if (wanted.startsWith('is ')) {
        expect(() => vport[step]()).toThrow(new Error(`VPort 1 ${wanted}`));
        expect(vport.state).toBe(from);
      } else {
        vport[step]();
        expect(vport.state).toBe(wanted);
      }
    }
  });

  it('decides whether it takes part: nothing is delivered to or from one that is not active, and it is counted', () => {
    const { table, nicSwitch, push } = made();
    const one = table.create({ owner: { vf: 0 } });
    const other = table.create();
    one.setMac(mac(0));
    other.setMac(mac(1));
    push(one.place, mac(1));
    push(other.place, mac(0));
    push(one.place, BROADCAST);
    nicSwitch.forward();
    expect(one.counters.dropped.vportInactive).toBe(1);
    expect(other.counters.dropped.vportInactive).toBe(1);
    expect(other.counters.framesOut).toBe(0);
    other.activate();
    push(one.place, mac(1));
    push(other.place, mac(0));
    nicSwitch.forward();
    expect(other.counters.framesOut).toBe(1);
    expect(one.counters.framesOut).toBe(1);
    nicSwitch.checkBalance();
  });

  it('deactivated keeps its filters and what is in its output queue', () => {
    const { table, nicSwitch, frames, push } = made();
    const vport = table.create({ owner: { vf: 0 } });
    vport.setMac(mac(0));
    push(nicSwitch.uplink, mac(0));
    nicSwitch.forward();
    vport.deactivate();
    push(nicSwitch.uplink, mac(0));
    nicSwitch.forward();
    expect(drain(nicSwitch, frames, vport.place)).toBe(1);
    // Its address is still its own: the frame is not for the default VPort.
    expect(table.default.counters.framesOut).toBe(0);
    vport.activate();
    push(nicSwitch.uplink, mac(0));
    nicSwitch.forward();
    expect(drain(nicSwitch, frames, vport.place)).toBe(1);
  });

  it('deleted leaves no filter, no frame and no count to who gets its place', () => {
    const { table, nicSwitch, frames, push } = made();
    const vport = table.create({ owner: { vf: 0 } });
    const { place } = vport;
    vport.setMac(mac(0));
    vport.requestFilter(GROUP);
    vport.requestVlan(10);
    nicSwitch.setIsolation(place, 'private');
    nicSwitch.setMirrorRule(0, { to: place, uplink: true });
    push(nicSwitch.uplink, mac(0));
    nicSwitch.forward();
    push(place, STRANGER);
    expect(table.filtersUsed).toEqual({ macs: 2, vlans: 1 });
    vport.delete();
    expect(table.filtersUsed).toEqual({ macs: 0, vlans: 0 });
    expect(frames.available).toBe(frames.slots);
    expect(vport.counters).toMatchObject({
      framesIn: 1,
      framesOut: 0,
      dropped: { vportInactive: 1, vportDeleted: 1 },
    });
    expect(() => vport.balance()).toThrow('VPort 1 is deleted');
    expect(() => vport.requestMac(mac(0))).toThrow('VPort 1 is deleted');
    expect(() => table.get(1)).toThrow(/^id must be that of a VPort, such as 0(, \d+)*, got 1$/);

    const next = table.create({ owner: { vf: 9 } });
    expect(next).toMatchObject({ id: 1, place, mac: null, owner: { vf: 9 } });
    expect(next.counters).toMatchObject({ framesIn: 0, framesOut: 0 });
    push(nicSwitch.uplink, mac(0));
    push(nicSwitch.uplink, GROUP);
    nicSwitch.forward();
    expect(next.counters.framesOut).toBe(0);
    // Nothing is forgotten in the whole: the frame in, the one that waited, the two now.
    expect(nicSwitch.balance()).toMatchObject({ framesIn: 4, delivered: 1, dropped: 3 });
    expect(nicSwitch.dropped('vportDeleted')).toBe(1);
    nicSwitch.checkBalance();
  });
});

describe('limits', () => {
  it.each([
    { limits: { vports: 3 }, error: 'there are already 3 VPorts: no more are possible' },
    { limits: { vportsOnPf: 2 }, error: 'there are already 2 VPorts on the PF: no more are possible' },
    { limits: { vportsPerVf: 1 }, error: 'there are already 1 VPorts on VF 0: no more are possible' },
  ])('of $limits', ({ limits, error }) => {
    const { table } = made(limits);
    table.create();
    table.create({ owner: { vf: 0 } });
    const owner = error.includes('VF 0') ? { vf: 0 } : 'pf';
    expect(() => table.create({ owner })).toThrow(new RangeError(error));
    expect(table.list.map(({ id }) => id)).toEqual([0, 1, 2]);
    table.list[error.includes('VF 0') ? 2 : 1].delete();
    table.create({ owner });
  });

  it('of filters: of one VPort, and of the card, counted at who was refused', () => {
    const { table } = made({ macFiltersPerVPort: 2, macFilters: 3, vlanFiltersPerVPort: 2, vlanFilters: 3 });
    const [a, b] = [0, 1].map((vf) => table.create({ owner: { vf } }));
    expect([mac(0), mac(1), mac(2)].map((each) => a.requestFilter(each))).toEqual([
      null,
      null,
      'vportFilters',
    ]);
    expect([mac(0), mac(1)].map((each) => b.requestFilter(each))).toEqual([null, 'cardFilters']);
    expect(a.requestFilter(mac(0))).toBeNull();
    a.releaseFilter(mac(0));
    expect(b.requestFilter(mac(1))).toBeNull();
    expect([1, 2, 3].map((vlan) => a.requestVlan(vlan))).toEqual([null, null, 'vportFilters']);
    // A VLAN takes one filter, however many are members.
    expect([1, 3].map((vlan) => b.requestVlan(vlan))).toEqual([null, null]);
    b.releaseVlan(1);
    expect(b.requestVlan(4)).toBe('cardFilters');
    expect(a.refusals).toMatchObject({ vportFilters: 2, cardFilters: 0 });
    expect(b.refusals).toMatchObject({ vportFilters: 0, cardFilters: 2 });
  });

  it.each([
    [{ vports: 9 }, 'limits.vports must be an integer from 1 to 8, got 9'],
    [{ macFilters: -1 }, 'limits.macFilters must be an integer from 0 to 32767, got -1'],
  ])('are checked: %j', (limits, error) => {
    expect(() => made(limits)).toThrow(error);
  });

  it.each([
    [{ place: 0 }, 'place 0 belongs to another VPort'],
    [{ place: 8 }, 'place must be an integer from 0 to 7, got 8'],
    [{ owner: { vf: -1 } }, 'owner.vf must be an integer from 0 to 65535, got -1'],
    [{ owner: 'vf' as never }, "owner must be 'pf' or { vf }, got vf"],
  ])('options of a VPort are checked: %j', (options, error) => {
    expect(() => made().table.create(options)).toThrow(error);
  });
});

describe('what a guest asks for', () => {
  function guest(): VPort {
    const vport = made().table.create({ owner: { vf: 0 } });
    vport.setMac(mac(0));
    return vport;
  }

  it('without trust: no other address than the one that the host gave, no more of them', () => {
    const vport = guest();
    expect(vport.requestMac(mac(0))).toBeNull();
    expect(vport.requestMac(mac(1))).toBe('notTrusted');
    expect(vport.requestFilter(mac(1))).toBe('notTrusted');
    expect(vport.requestFilter(GROUP)).toBeNull();
    expect(vport.mac).toBe(mac(0));
    expect(vport.refusals.notTrusted).toBe(2);
  });

  it('without an address from the host: any', () => {
    const vport = made().table.create({ owner: { vf: 0 } });
    expect(vport.requestMac(mac(5))).toBeNull();
    expect(vport.requestMac(mac(6))).toBeNull();
    expect(vport.mac).toBe(mac(6));
    expect(vport.requestMac(GROUP)).toBe('invalidMac');
    expect(vport.requestFilter(0)).toBe('invalidMac');
  });

  it('with trust: other addresses', () => {
    const vport = guest();
    vport.setTrusted(true);
    expect(vport.requestMac(mac(1))).toBeNull();
    expect(vport.requestFilter(mac(2))).toBeNull();
    expect(vport.mac).toBe(mac(1));
  });

  it.each([
    { mode: 'none', untrusted: 'none', trusted: 'none' },
    { mode: 'multicast', untrusted: 'multicast', trusted: 'multicast' },
    { mode: 'allMulticast', untrusted: 'multicast', trusted: 'allMulticast' },
    { mode: 'promiscuous', untrusted: 'multicast', trusted: 'promiscuous' },
  ] as const)('receive mode $mode', ({ mode, untrusted, trusted }) => {
    const vport = guest();
    expect(vport.requestReceiveMode(mode)).toBe(untrusted);
    expect(vport.refusals.notTrusted).toBe(mode === untrusted ? 0 : 1);
    vport.setTrusted(true);
    expect(vport.requestReceiveMode(mode)).toBe(trusted);
    vport.setTrusted(false);
    expect(vport.receiveMode).toBe(untrusted);
  });

  it('promiscuous with trust receives what is for others, and no more when trust is lost', () => {
    const { table, nicSwitch, push } = made();
    const [a, b] = [0, 1].map((vf) => table.create({ owner: { vf } }));
    a.setMac(mac(0));
    b.setTrusted(true);
    b.requestReceiveMode('promiscuous');
    push(nicSwitch.uplink, mac(0));
    nicSwitch.forward();
    expect([a, b].map(({ counters }) => counters.framesOut)).toEqual([1, 1]);
    b.setTrusted(false);
    push(nicSwitch.uplink, mac(0));
    nicSwitch.forward();
    expect([a, b].map(({ counters }) => counters.framesOut)).toEqual([2, 1]);
  });

  it('VLANs: those that it is allowed, none beside a port VLAN', () => {
    const vport = guest();
    vport.setAllowedVlans({ vlans: [10, 20] });
    expect([10, 20, 30].map((vlan) => vport.requestVlan(vlan))).toEqual([null, null, 'vlanNotAllowed']);
    vport.setAllowedVlans({ vlans: [20] });
    expect(vport.requestVlan(10)).toBe('vlanNotAllowed');
    vport.setPortVlan(20);
    expect(vport.requestVlan(20)).toBe('portVlan');
    expect(vport.refusals).toMatchObject({ vlanNotAllowed: 2, portVlan: 1 });
  });
});

describe('VPorts that come and go under load', () => {
  const PLACES = 6;
  const step = fc.record({
    vport: fc.integer({ min: 0, max: PLACES - 1 }),
    what: fc.constantFrom('create', 'activate', 'deactivate', 'delete'),
    sent: fc.array(fc.tuple(fc.nat(PLACES), fc.nat(PLACES)), { maxLength: 12 }),
  });

  it('lose and duplicate nothing of others: each frame goes to its receiver if both are active, once', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const { frames, nicSwitch, table, push } = made({}, PLACES);
        table.default.setMac(mac(0));
        const outcomes = { delivered: 0, dropped: 0 };
        for (const { vport: place, what, sent } of steps) {
          const vport = table.at(place);
          if (what === 'create' && vport === null)
            table.create({ place, owner: { vf: place } }).setMac(mac(place));
          else if (vport !== null && place > 0) {
            if (what === 'activate' && vport.state !== 'activated') vport.activate();
            if (what === 'deactivate' && vport.state === 'activated') vport.deactivate();
            if (what === 'delete') vport.delete();
          }
          const isActive = (each: number) => each === PLACES || table.at(each)?.state === 'activated';
          const expected = new Array<number>(PLACES + 1).fill(0);
          for (const [from, to] of sent) {
            push(from, to === PLACES ? STRANGER : mac(to), mac(from));
            const missing = to < PLACES && table.at(to) === null;
            // An address that nobody has is beyond the wire; from there it is the default VPort's.
            const receiver = from === PLACES && (missing || to === PLACES) ? 0 : missing ? PLACES : to;
            if (isActive(from) && isActive(receiver) && from !== receiver) expected[receiver]++;
            else outcomes.dropped++;
          }
          nicSwitch.forward();
          for (let port = 0; port <= PLACES; port++) {
            expect(drain(nicSwitch, frames, port)).toBe(expected[port]);
            outcomes.delivered += expected[port];
          }
          nicSwitch.checkBalance();
          for (const each of table.list) {
            const { framesIn, forwarded, dropped } = each.balance();
            expect(framesIn).toBe(forwarded + dropped);
          }
        }
        expect(nicSwitch.balance()).toMatchObject(outcomes);
        expect(frames.available).toBe(frames.slots);
      }),
      { numRuns: 200 },
    );
  });
});
