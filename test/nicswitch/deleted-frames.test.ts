import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FramePool } from '../../src/base/index.ts';
import { MILLISECOND } from '../../src/kernel/index.ts';
import {
  attachSwitchPort,
  EgressStage,
  entrySlot,
  NicSwitch,
  SharedSwitch,
  VPortTable,
} from '../../src/nicswitch/index.ts';
import { BROADCAST, frameBytes, mac, putFrame, STRANGER } from './fixtures.ts';

/** VPorts a and b on VFs, with addresses 1 and 2, beside the default one, and what waits behind the switch. */
function staged() {
  const frames = new FramePool({ slots: 256 });
  const nicSwitch = new NicSwitch({ frames, vports: 4 });
  const table = new VPortTable(nicSwitch);
  const [a, b] = [0, 1].map((vf) => table.create({ owner: { vf } }));
  a.setMac(mac(1));
  b.setMac(mac(2));
  const stage = new EgressStage(nicSwitch, { linkGbps: 10 });
  const submit = (from: number, to: number) => {
    const slot = putFrame(frames, frameBytes({ to, from: mac(from), bytes: 1514 }));
    expect(stage.submit(from, slot)).toBe(true);
  };
  const drain = () => {
    const ports: number[] = [];
    for (let now = 0; stage.waiting > 0; now = stage.readyPs) {
      for (let port = stage.next(now); port >= 0; port = stage.next(now)) {
        frames.release(entrySlot(stage.entry));
        ports.push(port);
      }
    }
    return ports;
  };
  return { frames, nicSwitch, table, a, b, stage, submit, drain };
}

/** Both sides of all ports, and of those that were retired. */
function sides(nicSwitch: NicSwitch): { forwarded: number; offered: number } {
  const all = [nicSwitch.retiredBalance()];
  for (let port = 0; port <= nicSwitch.uplink; port++) all.push(nicSwitch.portBalance(port));
  return {
    forwarded: all.reduce((sum, each) => sum + each.forwarded, 0),
    offered: all.reduce((sum, each) => sum + each.offered, 0),
  };
}

describe('frames of a deleted VPort in an egress stage', () => {
  it.each([
    ['collected', true],
    ['not collected', false],
  ])('do not reach the next one at its place: %s', (_, collected) => {
    const { frames, nicSwitch, table, a, b, stage, submit, drain } = staged();
    submit(b.place, mac(1));
    nicSwitch.forward();
    if (collected) stage.collect();
    a.delete();
    table.create({ owner: { vf: 7 }, place: a.place });
    stage.collect();
    expect(drain()).toEqual([]);
    expect(nicSwitch.balance()).toEqual({ framesIn: 1, replicas: 0, delivered: 0, dropped: 1 });
    expect(nicSwitch.dropped('vportDeleted')).toBe(1);
    expect(a.counters).toMatchObject({ framesOut: 0, bytesOut: 0 });
    expect(stage.framesIn).toBe(0);
    expect(frames.available).toBe(frames.slots);
    nicSwitch.checkBalance();
  });

  it.each([
    ['collected', true],
    ['not collected', false],
  ])('do not leave for the wire: %s', (_, collected) => {
    const { frames, nicSwitch, a, b, stage, submit, drain } = staged();
    submit(a.place, STRANGER);
    submit(b.place, STRANGER);
    nicSwitch.forward();
    if (collected) stage.collect();
    a.delete();
    stage.collect();
    expect(drain()).toEqual([nicSwitch.uplink]);
    expect(stage.framesToWire[b.place]).toBe(1);
    expect(nicSwitch.balance()).toEqual({ framesIn: 2, replicas: 0, delivered: 1, dropped: 1 });
    expect(nicSwitch.portCounters(nicSwitch.uplink)).toMatchObject({
      framesOut: 1,
      bytesOut: 1514,
      dropped: { vportDeleted: 1 },
    });
    expect(frames.available).toBe(frames.slots);
  });

  it('do not take the copies of other receivers with them', () => {
    const { frames, nicSwitch, a, b, stage, submit, drain } = staged();
    submit(b.place, BROADCAST);
    nicSwitch.forward();
    stage.collect();
    a.delete();
    expect(drain().sort()).toEqual([0, nicSwitch.uplink]);
    expect(frames.available).toBe(frames.slots);
    expect(nicSwitch.dropped('vportDeleted')).toBe(1);
    nicSwitch.checkBalance();
  });

  it('leave neither limits nor minima nor counts to the next one', () => {
    const { nicSwitch, table, a, b, stage, submit, drain } = staged();
    stage.setMaxRate(a.place, 10, 0);
    stage.setReceiveRate(a.place, 10, 0);
    stage.setMinRate(a.place, 5);
    for (let i = 0; i < 3; i++) {
      submit(a.place, STRANGER);
      submit(b.place, mac(1));
    }
    nicSwitch.forward();
    stage.collect();
    drain();
    const before = stage.counters();
    a.delete();
    const next = table.create({ owner: { vf: 7 }, place: a.place });
    expect([stage.framesToWire[a.place], stage.bytesToVPort[a.place]]).toEqual([0, 0]);
    expect(stage.counters()).toEqual(before);
    stage.setMinRate(b.place, 10_000);
    stage.setMinRate(b.place, 0);
    next.setMac(mac(1));
    for (let i = 0; i < 40; i++) {
      submit(next.place, STRANGER);
      submit(b.place, mac(1));
    }
    nicSwitch.forward();
    stage.collect();
    const from = 10 * MILLISECOND;
    while (stage.next(from) >= 0) nicSwitch.frames.release(entrySlot(stage.entry));
    expect(stage.framesToVPort[a.place]).toBe(40);
    expect(stage.readyPs - from).toBeLessThan(2_000_000);
  });

  it('are each taken back once, whoever is deleted when', () => {
    const step = fc.record({ from: fc.nat(4), to: fc.nat(5), act: fc.nat(9), vport: fc.nat(4) });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
        const frames = new FramePool({ slots: 512 });
        const nicSwitch = new NicSwitch({ frames, vports: 5, queueEntries: 8 });
        const table = new VPortTable(nicSwitch);
        const stage = new EgressStage(nicSwitch, { linkGbps: 10, queueFrames: 4, classes: 2 });
        const renew = (place: number) => table.create({ owner: { vf: place }, place }).setMac(mac(place));
        for (let place = 1; place < 5; place++) renew(place);
        let left = 0;
        for (const { from, to, act, vport } of steps) {
          const address = to < 4 ? mac(to + 1) : to === 4 ? STRANGER : BROADCAST;
          const slot = putFrame(frames, frameBytes({ to: address, from: mac(from) }));
          if (!stage.submit(from, slot)) frames.release(slot);
          if (act > 1) nicSwitch.forward();
          if (act > 3) stage.collect();
          if (act > 7 && stage.next(0) >= 0) {
            left++;
            frames.release(entrySlot(stage.entry));
          }
          if (vport > 0 && act % 3 === 0) {
            table.at(vport)?.delete();
            renew(vport);
          }
        }
        nicSwitch.forward();
        stage.collect();
        for (let now = 0; stage.waiting > 0; now = stage.readyPs) {
          while (stage.next(now) >= 0) {
            left++;
            frames.release(entrySlot(stage.entry));
          }
        }
        nicSwitch.checkBalance();
        expect(left + stage.framesDropped).toBe(stage.framesIn);
        expect(stage.framesIn).toBe(nicSwitch.balance().delivered);
        const { framesToWire, framesToVPorts } = stage.counters();
        expect(framesToWire + framesToVPorts).toBe(left);
        expect(frames.available).toBe(frames.slots);
        const { forwarded, offered } = sides(nicSwitch);
        expect(forwarded).toBe(offered);
      }),
    );
  });
});

describe('frames of a deleted VPort in the rings of a shared switch', () => {
  function shared() {
    const all = new SharedSwitch({ vports: 3, receiveEntries: 8 });
    const table = new VPortTable(all.nicSwitch);
    const [a, b] = [0, 1].map((vf) => table.create({ owner: { vf } }));
    a.setMac(mac(1));
    b.setMac(mac(2));
    const [pa, pb] = [a, b].map(({ place }) => attachSwitchPort(all.descriptor, place));
    const expectNoSlotLost = () => {
      all.forward();
      const { free, senders, receivers, switch: held } = all.slots();
      expect([free + senders, receivers, held]).toEqual([all.nicSwitch.frames.slots, 0, 0]);
    };
    return { all, nicSwitch: all.nicSwitch, table, a, b, pa, pb, expectNoSlotLost };
  }
  const toA = frameBytes({ to: mac(1), from: mac(2) });

  it.each([
    ['deleted, then detached', 'delete detach'],
    ['detached, then deleted', 'detach delete'],
    ['deleted, and its thread detaches itself', 'delete leave'],
    ['its thread detaches itself, then deleted', 'leave delete'],
  ])('are not received by the next thread at its port: %s', (_, order) => {
    const { all, nicSwitch, table, a, pa, pb, expectNoSlotLost } = shared();
    pb.send(toA);
    pb.send(toA);
    all.forward();
    expect(all.slots().receivers).toBe(2);
    for (const each of order.split(' ')) {
      if (each === 'delete') a.delete();
      else if (each === 'detach') all.detach(a.place);
      else pa.detach();
    }
    const next = attachSwitchPort(all.descriptor, a.place);
    expect(next.receive()).toBe(-1);
    expect(all.forward()).toBe(0);
    expect(nicSwitch.balance()).toEqual({ framesIn: 2, replicas: 0, delivered: 0, dropped: 2 });
    expect(nicSwitch.dropped('vportDeleted')).toBe(2);
    const { forwarded, offered } = sides(nicSwitch);
    expect([forwarded, offered]).toEqual([2, 2]);
    const vport = table.create({ owner: { vf: 7 }, place: a.place });
    vport.setMac(mac(1));
    pb.send(toA);
    all.forward();
    expect(vport.counters).toMatchObject({ framesOut: 1, dropped: { vportDeleted: 0 } });
    expect(next.lengthOf(next.receive())).toBe(60);
    expect(next.receive()).toBe(-1);
    next.release();
    expectNoSlotLost();
    nicSwitch.checkBalance();
  });

  it('may still be received by the thread that was there; those of the next VPort stay for the next thread', () => {
    const { all, nicSwitch, table, a, pa, pb, expectNoSlotLost } = shared();
    for (let i = 0; i < 3; i++) pb.send(toA);
    all.forward();
    expect(pa.lengthOf(pa.receive())).toBe(60);
    a.delete();
    table.create({ owner: { vf: 7 }, place: a.place }).setMac(mac(1));
    pb.send(frameBytes({ to: mac(1), from: mac(2), bytes: 99 }));
    all.forward();
    pa.release();
    expect(pa.lengthOf(pa.receive())).toBe(60);
    pa.detach();
    const next = attachSwitchPort(all.descriptor, a.place);
    expect(next.lengthOf(next.receive())).toBe(99);
    expect(next.receive()).toBe(-1);
    next.release();
    all.forward();
    // Two were received, one was not.
    expect(nicSwitch.dropped('vportDeleted')).toBe(1);
    expect(nicSwitch.balance()).toMatchObject({ delivered: 3, dropped: 1 });
    expectNoSlotLost();
  });

  it('are each counted as its own VPort is, whoever is deleted while a thread stays', () => {
    const { all, nicSwitch, table, a, pa, pb, expectNoSlotLost } = shared();
    for (let i = 0; i < 3; i++) pb.send(toA);
    all.forward();
    a.delete();
    const second = table.create({ owner: { vf: 7 }, place: a.place });
    second.setMac(mac(1));
    for (let i = 0; i < 2; i++) pb.send(toA);
    all.forward();
    pa.detach();
    second.delete();
    expect(second.counters).toMatchObject({ framesOut: 0, dropped: { vportDeleted: 2 } });
    expect(nicSwitch.retiredBalance()).toMatchObject({ offered: 5, delivered: 0, lost: 5 });
    expect(nicSwitch.dropped('vportDeleted')).toBe(5);
    const { forwarded, offered } = sides(nicSwitch);
    expect([forwarded, offered]).toEqual([5, 5]);
    expectNoSlotLost();
    nicSwitch.checkBalance();
  });

  it('are counted at their port when that was flushed and lives on', () => {
    const { all, nicSwitch, a, pa, pb, expectNoSlotLost } = shared();
    pb.send(toA);
    pb.send(toA);
    all.forward();
    nicSwitch.flushVPort(a.place);
    nicSwitch.setVPortActive(a.place, true);
    pb.send(toA);
    all.forward();
    pa.detach();
    all.forward();
    expect(a.counters).toMatchObject({ framesOut: 1, dropped: { vportDeleted: 2 } });
    expect(nicSwitch.retiredBalance()).toMatchObject({ delivered: 0, lost: 0 });
    const next = attachSwitchPort(all.descriptor, a.place);
    expect(next.lengthOf(next.receive())).toBe(60);
    next.release();
    expectNoSlotLost();
  });

  it('of before a reset are not counted, those after it are', () => {
    const { all, nicSwitch, table, a, pa, pb, expectNoSlotLost } = shared();
    pb.send(toA);
    all.forward();
    nicSwitch.reset();
    const next = table.create({ owner: { vf: 0 }, place: a.place });
    const sender = table.create({ owner: { vf: 1 } });
    next.setMac(mac(1));
    sender.setMac(mac(2));
    for (let i = 0; i < 2; i++) pb.send(toA);
    all.forward();
    pa.detach();
    next.delete();
    expect(nicSwitch.dropped('vportDeleted')).toBe(2);
    expect(nicSwitch.balance()).toEqual({ framesIn: 2, replicas: 0, delivered: 0, dropped: 2 });
    expectNoSlotLost();
  });

  it('wake the switch when its thread leaves', () => {
    const { all, a, pa, pb } = shared();
    pb.send(toA);
    all.forward();
    a.delete();
    expect(all.wait(0)).toBe(false);
    pa.detach();
    expect(all.wait(0)).toBe(true);
  });

  it('are not sent as those of the next one', () => {
    const { all, nicSwitch, table, a, pa, expectNoSlotLost } = shared();
    const frame = frameBytes({ to: mac(2), from: mac(1) });
    pa.send(frame);
    pa.send(frame);
    a.delete();
    all.detach(a.place);
    const next = table.create({ owner: { vf: 7 }, place: a.place });
    all.forward();
    expect(next.counters.framesIn).toBe(0);
    expect(a.counters).toMatchObject({ framesIn: 2, dropped: { vportInactive: 2 } });
    expect(nicSwitch.balance()).toEqual({ framesIn: 2, replicas: 0, delivered: 0, dropped: 2 });
    expectNoSlotLost();
    expect(attachSwitchPort(all.descriptor, a.place).send(frame)).toBe(true);
  });

  it('are gone after a reset, uncounted', () => {
    const { all, nicSwitch, a, pa, pb, expectNoSlotLost } = shared();
    pb.send(toA);
    all.forward();
    pb.send(toA);
    nicSwitch.reset();
    pa.detach();
    expect(attachSwitchPort(all.descriptor, a.place).receive()).toBe(-1);
    expect(all.forward()).toBe(0);
    expect(nicSwitch.balance()).toEqual({ framesIn: 0, replicas: 0, delivered: 0, dropped: 0 });
    expectNoSlotLost();
  });
});

describe('a switch that is reset', () => {
  it('ends the VPorts of its table, and begins with a new default one', () => {
    const { frames, nicSwitch, table, a, b, stage, submit, drain } = staged();
    submit(b.place, mac(1));
    nicSwitch.forward();
    stage.collect();
    const old = table.default;
    nicSwitch.reset();
    expect([a.state, b.state, old.state, table.default.state]).toEqual([
      'deleted',
      'deleted',
      'deleted',
      'activated',
    ]);
    expect(a.counters.framesOut).toBe(1);
    expect(() => a.setMac(mac(3))).toThrow('is deleted');
    expect(table.list).toEqual([table.default]);
    expect(table.filtersUsed).toEqual({ macs: 0, vlans: 0 });
    expect(drain()).toEqual([]);
    expect([stage.framesIn, frames.available]).toEqual([0, frames.slots]);
    const next = table.create({ owner: { vf: 0 } });
    next.setMac(mac(1));
    submit(nicSwitch.uplink, mac(1));
    submit(nicSwitch.uplink, STRANGER);
    nicSwitch.forward();
    stage.collect();
    expect(drain().sort()).toEqual([table.default.place, next.place]);
  });

  it('has one table: VPorts of an earlier one end with it', () => {
    const nicSwitch = new NicSwitch({ frames: new FramePool({ slots: 8 }), vports: 4 });
    const first = new VPortTable(nicSwitch);
    const old = first.create({ owner: { vf: 0 } });
    expect(() => new VPortTable(nicSwitch, { defaultPlace: 4 })).toThrow('defaultPlace');
    expect(old.state).toBe('activated');
    new VPortTable(nicSwitch);
    expect(old.state).toBe('deleted');
    for (const none of [null, 3]) {
      expect(() => nicSwitch.attach(none as never)).toThrow(`companion must be an object, got ${none}`);
    }
  });

  it('leaves the default VPort to the last of its tables', () => {
    const nicSwitch = new NicSwitch({ frames: new FramePool({ slots: 8 }), vports: 4 });
    const first = new VPortTable(nicSwitch);
    const last = new VPortTable(nicSwitch, { defaultPlace: 2 });
    nicSwitch.reset();
    expect(first.list).toEqual([]);
    expect(last.list).toEqual([last.default]);
  });
});

describe('both sides of all ports', () => {
  it('are equal with what ports had counted that were deleted', () => {
    const { frames, nicSwitch, a, b } = staged();
    for (let i = 0; i < 2; i++) {
      nicSwitch.input.push(b.place, putFrame(frames, frameBytes({ to: mac(1), from: mac(2) })));
    }
    nicSwitch.input.push(a.place, putFrame(frames, frameBytes({ to: mac(2), from: mac(1) })));
    nicSwitch.forward();
    frames.release(entrySlot(nicSwitch.output.shift(a.place)));
    a.delete();
    expect(nicSwitch.retiredBalance()).toEqual({
      framesIn: 1,
      replicas: 0,
      forwarded: 1,
      dropped: 0,
      offered: 2,
      delivered: 1,
      lost: 1,
    });
    expect(sides(nicSwitch)).toEqual({ forwarded: 3, offered: 3 });
  });
});
