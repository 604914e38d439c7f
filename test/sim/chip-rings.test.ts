import { beforeEach, describe, expect, it } from 'vitest';
import { createMachine } from '../../src/index.ts';
import { MICROSECOND } from '../../src/kernel/index.ts';
import { intel82599Chip } from '../../src/profiles/index.ts';
import { ADVANCED, broadcast, DROP_EN, FILLER, type RawRing, RingRig } from './chip-ring-rig.ts';

// Programs that drivers of the 82599 live through: rings that wrap, run dry, and are taken away under traffic.

const [RQSMR, QPRDC, QPRC] = [0x2300, 0x1430, 0x1030];
const [DTYP_DATA, EOP, IFCS, RS, DEXT] = [3 << 20, 1 << 24, 1 << 25, 1 << 27, 1 << 29];

const rig = new RingRig();
beforeEach(() => {
  rig.restart();
  // Statistics of all other queues go elsewhere.
  for (let i = 0; i < 32; i++) rig.write(RQSMR + 4 * i, i === 0 ? 0x0f0f_0f00 : 0x0f0f_0f0f);
  rig.read(QPRDC);
  rig.read(QPRC);
});

/** Seeds of the frames in descriptors from `from` on that are done. */
function seeds(ring: RawRing, from: number, count: number): number[] {
  return Array.from({ length: count }, (_, i) => {
    const at = (from + i) % ring.size;
    return (ring.descriptor(at)[2] & 1) === 0 ? -1 : (ring.bytesAt(at, 24)[20] - 140) & 0xff;
  });
}

describe('a receive ring', () => {
  it('wraps, and every frame is where its turn comes', () => {
    const ring = rig.receiveRing(8, ADVANCED | 2 | DROP_EN);
    ring.tail = 7;
    let at = 0;
    for (let seed = 0; seed < 40; seed++) {
      rig.arrive(broadcast(60, seed));
      rig.wait(5);
      expect(seeds(ring, at, 1)).toEqual([seed]);
      ring.armOne(at);
      ring.tail = at;
      at = (at + 1) % 8;
    }
    expect(ring.head).toBe(0);
  });

  it('that has run dry drops with SRRCTL.DROP_EN, by the queue, and goes on with new descriptors', () => {
    const ring = rig.receiveRing(8, ADVANCED | 2 | DROP_EN);
    ring.tail = 4;
    for (let seed = 0; seed < 10; seed++) rig.arrive(broadcast(60, seed));
    rig.wait(50);
    expect(seeds(ring, 0, 5)).toEqual([0, 1, 2, 3, -1]);
    expect([rig.read(QPRC), rig.read(QPRDC)]).toEqual([4, 6]);
    ring.tail = 6;
    rig.wait(5);
    rig.arrive(broadcast(60, 77));
    rig.wait(5);
    expect(seeds(ring, 4, 2)).toEqual([77, -1]);
  });

  it('without DROP_EN has frames wait for descriptors, in order, and loses none', () => {
    const ring = rig.receiveRing(8, ADVANCED | 2);
    ring.tail = 4;
    for (let seed = 0; seed < 7; seed++) rig.arrive(broadcast(60, seed));
    rig.wait(50);
    expect(seeds(ring, 0, 5)).toEqual([0, 1, 2, 3, -1]);
    ring.tail = 7;
    rig.wait(50);
    expect(seeds(ring, 0, 7)).toEqual([0, 1, 2, 3, 4, 5, 6]);
    expect(rig.read(QPRDC)).toBe(0);
  });

  it('with a frame of more buffers than there are descriptors drops all of it or waits with all of it', () => {
    rig.write(0x4268, 9018 << 16);
    const ring = rig.receiveRing(8, ADVANCED | 1 | DROP_EN);
    ring.tail = 3;
    rig.arrive(broadcast(4000, 1));
    rig.wait(20);
    expect([ring.head, rig.read(QPRDC)]).toEqual([0, 1]);
    rig.write(ring.at + 0x14, ADVANCED | 1);
    rig.arrive(broadcast(4000, 2));
    rig.wait(20);
    expect(ring.head).toBe(0);
    ring.tail = 5;
    rig.wait(20);
    expect(ring.head).toBe(4);
  });

  it('that is disabled under traffic says so when its accesses have ended; then nothing of it is touched', () => {
    const ring = rig.receiveRing(32, ADVANCED | 2 | DROP_EN);
    ring.tail = 31;
    rig.wait(5);
    for (let seed = 0; seed < 20; seed++) rig.arrive(broadcast(1000, seed));
    const { scheduler } = rig.machine;
    scheduler.runUntil(scheduler.now + 700_000);
    ring.disable();
    expect(ring.isEnabled).toBe(true);
    let waited = 0;
    for (; ring.isEnabled && waited < 100; waited++) rig.wait(1);
    expect(waited).toBeLessThan(100);
    ring.arm();
    for (let seed = 0; seed < 20; seed++) rig.arrive(broadcast(1000, seed));
    rig.wait(50);
    for (let i = 0; i < 32; i++) {
      expect(ring.descriptor(i).slice(2)).toEqual([0, 0]);
      expect(ring.buffers.read(i * 1024)).toBe(FILLER);
    }
    ring.start(ADVANCED | 2 | DROP_EN);
    expect([ring.isEnabled, ring.head]).toEqual([true, 0]);
    ring.tail = 31;
    rig.arrive(broadcast(60, 9));
    rig.wait(10);
    expect(seeds(ring, 0, 2)).toEqual([9, -1]);
  });
});

describe('a transmit ring', () => {
  const post = (ring: RawRing, i: number, bytes = 60) => {
    const address = ring.addressOf(i);
    const words = [
      address | 0,
      Math.floor(address / 2 ** 32),
      bytes | DTYP_DATA | EOP | IFCS | RS | DEXT,
      bytes << 14,
    ];
    for (const [j, word] of words.entries()) ring.ring.write(4 * i + j, word);
  };
  const isDone = (ring: RawRing, i: number) => (ring.descriptor(i)[3] & 1) === 1;

  it('wraps, and reports every descriptor once it is sent', () => {
    const ring = rig.transmitRing(8);
    for (let i = 0; i < 30; i++) {
      post(ring, i % 8);
      ring.tail = (i + 1) % 8;
      rig.wait(5);
      expect([isDone(ring, i % 8), ring.head]).toEqual([true, (i + 1) % 8]);
    }
  });

  it('sends whatever its number is, where there are no pools', () => {
    const ring = rig.transmitRing(8, 127);
    const before = rig.machine.nic.data.mac.framesSent;
    post(ring, 0);
    ring.tail = 1;
    rig.wait(5);
    expect(rig.machine.nic.data.mac.framesSent).toBe(before + 1);
  });

  it('keeps to the rate factor of RTTBCNRC, which is that of the queue in RTTDQSEL', () => {
    const [RTTDQSEL, RTTBCNRM, RTTBCNRC, TENTH] = [0x4904, 0x4980, 0x4984, 10 << 14];
    rig.write(RTTBCNRM, 4);
    rig.write(RTTDQSEL, 3);
    rig.write(RTTBCNRC, (1 << 31) | TENTH);
    rig.write(RTTDQSEL, 2);
    expect(rig.read(RTTBCNRC)).toBe(0);
    // 1,500 bytes with check sequence: at a tenth of 10 Gb/s 12 us each.
    const sent = [2, 3].map((queue) => {
      const ring = rig.transmitRing(64, queue);
      for (let i = 0; i < 60; i++) post(ring, i, 1496);
      const before = rig.machine.nic.data.mac.framesSent;
      ring.tail = 60;
      rig.wait(120);
      return rig.machine.nic.data.mac.framesSent - before;
    });
    expect(sent[0]).toBe(60);
    expect(sent[1]).toBeGreaterThanOrEqual(10);
    expect(sent[1]).toBeLessThanOrEqual(14);
  });

  it('that is disabled under traffic says so when its accesses have ended, and reports nothing later', () => {
    const ring = rig.transmitRing(64);
    for (let i = 0; i < 63; i++) post(ring, i);
    ring.tail = 63;
    const { scheduler } = rig.machine;
    scheduler.runUntil(scheduler.now + 300_000);
    ring.disable();
    expect(ring.isEnabled).toBe(true);
    let waited = 0;
    for (; ring.isEnabled && waited < 100; waited++) rig.wait(1);
    expect(waited).toBeLessThan(100);
    for (let i = 0; i < 63; i++) post(ring, i);
    rig.wait(100);
    expect(Array.from({ length: 63 }, (_, i) => isDone(ring, i))).not.toContain(true);
  });
});

describe('a Function Level Reset of a VF under traffic', () => {
  it('ends its queues, tells the PF by PFVFLRE, and costs the VF beside it no frame', () => {
    const machine = createMachine({ nic: intel82599Chip(), guests: [{ name: 'a' }, { name: 'b' }] });
    machine.host.sysfs.write('0000:01:00.0/sriov_numvfs', '2');
    const [a, b] = machine.guests;
    const { scheduler, nic, port } = machine;
    a.traffic.send({ to: b.vf(0).mac, saturate: true });
    port.traffic.send({ to: b.vf(0).mac, ratePps: 5e5 });
    port.traffic.send({ to: a.vf(0).mac, ratePps: 5e5 });
    scheduler.runUntil(scheduler.now + 50 * MICROSECOND);
    const bar = nic.pf.bar(0);
    bar.write32(0x700, 3, 15);
    const sriov = nic.pf.sriov;
    if (sriov === null) throw new Error('no SR-IOV');
    sriov.vf(0).functionLevelReset();
    expect(bar.read32(0x600, 4)).toBe(1);
    const { all } = nic.data.transmit.rings;
    expect([all[0].enabled, all[2].enabled]).toEqual([0, 1]);
    bar.write32(0x700, 1, 15);
    expect(bar.read32(0x600, 4)).toBe(0);
    scheduler.runUntil(scheduler.now + 100 * MICROSECOND);
    const [, toB] = machine.simulation['flowRecords'];
    expect([toB.lost, toB.measuredDelivered > 60]).toEqual([0, true]);
    expect(machine.run({ simulatedMs: 0.05 }).conservation.balanced).toBe(true);
  });

  it('and PFVFRE and PFVFTE stop a VF in both directions until they let it go on', () => {
    const machine = createMachine({ nic: intel82599Chip(), guests: [{ name: 'a' }, { name: 'b' }] });
    machine.host.sysfs.write('0000:01:00.0/sriov_numvfs', '2');
    const [a, b] = machine.guests;
    const { scheduler, nic, port } = machine;
    a.traffic.send({ to: 'port', ratePps: 5e5 });
    port.traffic.send({ to: a.vf(0).mac, ratePps: 5e5 });
    b.traffic.send({ to: 'port', ratePps: 5e5 });
    const bar = nic.pf.bar(0);
    const [PFVFRE, PFVFTE] = [0x51e0, 0x8110];
    const delivered = () => {
      const before = machine.simulation['flowRecords'].map((flow) => flow.measuredDelivered);
      scheduler.runUntil(scheduler.now + 50 * MICROSECOND);
      return machine.simulation['flowRecords'].map((flow, i) => flow.measuredDelivered - before[i] > 15);
    };
    expect(delivered()).toEqual([true, true, true]);
    const enabled = [PFVFRE, PFVFTE].map((offset) => bar.read32(offset, 4));
    for (const [i, offset] of [PFVFRE, PFVFTE].entries()) bar.write32(offset, (enabled[i] & ~1) >>> 0, 15);
    scheduler.runUntil(scheduler.now + 10 * MICROSECOND);
    expect(delivered()).toEqual([false, false, true]);
    for (const [i, offset] of [PFVFRE, PFVFTE].entries()) bar.write32(offset, enabled[i], 15);
    expect(delivered()).toEqual([true, true, true]);
  });
});
