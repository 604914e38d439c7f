import { beforeEach, describe, expect, it } from 'vitest';
import { PollModeDriver, type PollModeOptions } from '../../src/drivers/index.ts';
import { createMachine } from '../../src/index.ts';
import { ProbeKind } from '../../src/kernel/index.ts';
import type { BarTarget } from '../../src/pcie/index.ts';
import { intel82599Chip, xeonE5v4 } from '../../src/profiles/index.ts';
import { pfHandle } from '../../src/sim/index.ts';
import type { FrameSource } from '../../src/sim/sender.ts';

const MICROSECOND = 1e6;
const [TDWBAL, TXDCTL] = [0x6038, 0x6028];
const SWFLSH = 1 << 26;

/** 64 bytes on the wire, to nobody in particular. */
const FRAME = {
  id: 0,
  words: Int32Array.from({ length: 15 }, (_, i) => (i === 3 ? 0xb588 : i)),
  bytes: 60,
  sequenceWord: -1,
};
/** The same without end. */
const SOURCE: FrameSource = { next: () => FRAME, sequence: () => 0, fill: () => 0 };

/** A card with a polling driver of its own, and a station at its port. */
function polled(options: Partial<PollModeOptions> = {}) {
  const { simulation, nic } = createMachine({ nic: intel82599Chip({ strict: true }) });
  const { machine, station } = simulation;
  const { scheduler } = machine;
  const handle = pfHandle(machine);
  const driver = new PollModeDriver(handle, { costs: xeonE5v4.software.poll, ...options });
  return {
    driver,
    handle,
    machine,
    nic,
    station,
    send: (count: number, spacingPs = 20 * MICROSECOND) => {
      for (let i = 0; i < count; i++) {
        station.send(FRAME, 0);
        scheduler.runUntil(scheduler.now + spacingPs);
      }
    },
    run: (microseconds: number) => scheduler.runUntil(scheduler.now + microseconds * MICROSECOND),
  };
}

let card: ReturnType<typeof polled>;
const echo = { received: () => true };

describe('the polling driver', () => {
  beforeEach(() => {
    card = polled();
    card.driver.handler = echo;
    card.driver.start();
  });

  it('sets a card up by registers that the data sheet has, and takes no interrupt', () => {
    const { sent } = card.nic.interrupts;
    const before = sent[0];
    card.send(5);
    expect(card.driver.framesReceived).toBe(5);
    expect(sent[0]).toBe(before);
    expect(card.nic.data.mac.framesSent).toBe(5);
  });

  it('sends on what its handler says, byte for byte, and nothing else', () => {
    const { frames, mac } = card.nic.data;
    const { peer } = mac;
    const seen: Int32Array[] = [];
    mac.peer = {
      frameArrived: (slot) =>
        seen.push(frames.i32.slice(frames.offsetOf(slot) >> 2, (frames.offsetOf(slot) >> 2) + 15)),
    };
    let count = 0;
    card.driver.handler = { received: () => count++ % 2 === 0 };
    card.send(4);
    mac.peer = peer;
    expect(seen).toEqual([FRAME.words, FRAME.words]);
  });

  it('goes round its rings as often as it likes, with the buffers that they have', () => {
    card.send(1100, MICROSECOND);
    card.run(20);
    expect(card.driver).toMatchObject({ framesReceived: 1100, framesSent: 1100, framesDropped: 0 });
    expect(card.nic.data.mac.framesSent).toBe(1100);
  });

  it('costs no events while nothing comes, and looks in the rhythm of its loop', () => {
    card.run(10);
    const { passes } = card.driver;
    card.run(1000);
    expect(card.driver.passes).toBe(passes);
    card.send(1);
    expect(card.driver.passes).toBeGreaterThan(passes);
  });

  it('receives and sends 14.88 million frames of 64 bytes a second at once', () => {
    card.station.addSource(SOURCE);
    card.run(100);
    const { driver, nic } = card;
    const [received, sent] = [driver.framesReceived, nic.data.mac.framesSent];
    card.run(500);
    // A pass takes up to 32.
    expect(Math.abs(driver.framesReceived - received - 7440.5)).toBeLessThanOrEqual(32);
    expect(Math.abs(nic.data.mac.framesSent - sent - 7440.5)).toBeLessThanOrEqual(32);
    expect(driver.framesDropped).toBe(0);
    expect(nic.data.counters()['drops.noDescriptor']).toBe(0);
  });

  it('ends when it is told to, and begins anew', () => {
    card.driver.stop();
    card.send(1);
    expect(card.driver.framesReceived).toBe(0);
    card.driver.start();
    card.send(3);
    expect(card.nic.data.mac.framesSent).toBe(3);
  });
});

describe.each([
  // A pass for each frame takes 80 ns.
  ['descriptors, one by one', { writeBackThreshold: 0, batch: 1 }, 12.5],
  ['descriptors, every 32nd', { writeBackThreshold: 0 }, 14.88],
  ['descriptors in batches', { writeBackThreshold: 8 }, 14.88],
  // Forty descriptors of 63 come back at once: the ring runs dry.
  ['descriptors in batches larger than the cache', { writeBackThreshold: 127, ringSize: 64 }, 8],
  ['its head', { reports: 'head' as const }, 14.88],
])('a card that reports by %s', (_, options, millions) => {
  it(`sends ${millions} million frames a second and more`, () => {
    card = polled(options);
    card.driver.start();
    card.driver.saturate(FRAME);
    card.run(100);
    const before = card.nic.data.mac.framesSent;
    card.run(200);
    expect(card.nic.data.mac.framesSent - before).toBeGreaterThanOrEqual(200 * millions - 1);
  });
});

describe('TXDCTL and TDWBAL of a card with the whole chip', () => {
  const writes = () => card.nic.data.transmit.statusWrites;

  it('write back as many descriptors at once as WTHRESH says', () => {
    card = polled({ writeBackThreshold: 4 });
    card.driver.handler = echo;
    card.driver.start();
    card.send(7);
    expect(writes()).toBe(1);
    card.send(1);
    expect(writes()).toBe(2);
  });

  it('write back what waits when SWFLSH is set, which reads as zero', () => {
    card = polled({ writeBackThreshold: 8 });
    card.driver.handler = echo;
    card.driver.start();
    card.send(3);
    expect(writes()).toBe(0);
    const bar = card.handle.bar(0);
    const control = bar.read32(TXDCTL);
    bar.write32(TXDCTL, control | SWFLSH);
    card.run(1);
    expect(writes()).toBe(1);
    expect(bar.read32(TXDCTL)).toBe(control);
  });

  it('write back what waits when the time of EITR is over, and not before', () => {
    card = polled({ writeBackThreshold: 8 });
    card.driver.handler = echo;
    card.driver.start();
    const bar = card.handle.bar(0);
    bar.write32(0x900, 0x8000); // IVAR: transmit queue 0 has vector 0
    bar.write32(0x820, 10 << 3); // EITR 0: 20.48 us
    card.send(1, 10 * MICROSECOND);
    expect(writes()).toBe(0);
    card.run(15);
    expect(writes()).toBe(1);
  });

  it('write the head to memory instead, on multiples of 16 bytes', () => {
    card = polled({ reports: 'head', batch: 1 });
    card.driver.handler = echo;
    card.driver.start();
    const bar = card.handle.bar(0);
    const address = bar.read32(TDWBAL);
    expect(address & 15).toBe(1);
    bar.write32(TDWBAL, address | 12);
    card.send(3);
    const high = bar.read32(TDWBAL + 4) * 2 ** 32;
    expect(card.machine.memory.memory.read32(high + address - 1)).toBe(3);
    expect(writes()).toBe(3);
  });

  it('have no head write-back for VFs', () => {
    const { simulation, host, nic, guests } = createMachine({
      nic: intel82599Chip(),
      guests: [{ name: 'a', driver: 'poll' }],
    });
    host.sysfs.write('0000:01:00.0/sriov_numvfs', '1');
    const { scheduler, memory, guests: machines } = simulation.machine;
    const { space } = machines[0];
    const head = space.allocate(4096);
    head.write(0, 0x5a5a_5a5a);
    const bar = nic.pf.sriov?.vf(0).bar(0) as BarTarget;
    bar.write32(0x203c, Math.floor(head.address / 2 ** 32), 15);
    bar.write32(0x2038, (head.address | 1) >>> 0, 15);
    guests[0].traffic.send({ to: 'port', ratePps: 1e6 });
    scheduler.runUntil(scheduler.now + 50 * MICROSECOND);
    expect(nic.data.mac.framesSent).toBeGreaterThan(10);
    const ring = bar.read32(0x2000, 4) + bar.read32(0x2004, 4) * 2 ** 32;
    const statuses = Array.from({ length: bar.read32(0x2010, 4) }, (_, i) =>
      memory.memory.read32(space['physicalPages'](ring) + 16 * i + 12),
    );
    // DD of one that asked for it.
    expect(statuses.some((status) => (status & 1) === 1)).toBe(true);
    expect(head.read(0)).toBe(0x5a5a_5a5a);
    expect(bar.read32(0x2038, 4) & 1).toBe(1);
  });
});

describe('forwarding through an unloaded card and a polling driver', () => {
  // Fitted: `dmaReadPs` of the chip was chosen so that measured latencies of such cards come out.
  it('takes 3.5 to 4.5 us from the last bit on the wire to the first, to which the chip is fitted', () => {
    card = polled({ writeBackThreshold: 0 });
    card.driver.handler = echo;
    card.driver.start();
    const { probe, parts } = card.machine;
    const { macPs } = parts.nicProfile;
    const times: number[] = [];
    let takenPs = 0;
    probe.sink = {
      record: (timePs, kind) => {
        // MAC and PHY take their time each way.
        if (kind === ProbeKind.WIRE_TAKEN) takenPs = timePs - macPs;
        if (kind === ProbeKind.WIRE_SENT) times.push(timePs + macPs - takenPs);
      },
    };
    card.send(50, 20.007 * MICROSECOND);
    expect(times).toHaveLength(50);
    for (const ps of times) {
      expect(ps).toBeGreaterThan(3.5 * MICROSECOND);
      expect(ps).toBeLessThan(4.5 * MICROSECOND);
    }
  });
});
