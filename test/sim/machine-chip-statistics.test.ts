import { beforeEach, describe, expect, it } from 'vitest';
import { createMachine, type RunningMachine } from '../../src/index.ts';
import { intel82599Chip } from '../../src/profiles/index.ts';

const NUMVFS = '0000:01:00.0/sriov_numvfs';
const RST = 1 << 26;

// Statistics (82599 data sheet 8.2.3.23).
const GPRC = 0x4074;
const BPRC = 0x4078;
const MPRC = 0x407c;
const GPTC = 0x4080;
const GORC = 0x4088;
const GOTC = 0x4090;
const PRC = (i: number) => 0x405c + 4 * i;
const PTC = (i: number) => 0x40d8 + 4 * i;
const TPR = 0x40d0;
const TOR = 0x40c0;
const TPT = 0x40d4;
const RXNFGPC = 0x41b0;
const RQSMR = 0x2300;
const TQSM = 0x8600;
const QPRC = (i: number) => 0x1030 + 0x40 * i;
const QBRC = (i: number) => 0x1034 + 0x40 * i;
const QPRDC = (i: number) => 0x1430 + 0x40 * i;
const QPTC = (i: number) => 0x8680 + 4 * i;
const CRCERRS = 0x4000;

let machine: RunningMachine;
const read = (offset: number): number => machine.nic.pf.bar(0).read32(offset, 4) >>> 0;
const write = (offset: number, value: number): void => machine.nic.pf.bar(0).write32(offset, value >>> 0, 15);
const readVf = (vf: number, offset: number): number =>
  (machine.nic.pf.sriov?.vf(vf).bar(0).read32(offset, 4) ?? 0) >>> 0;

beforeEach(() => {
  machine = createMachine({ nic: intel82599Chip({ strict: true }), guests: [{ name: 'a' }, { name: 'b' }] });
  machine.host.sysfs.write(NUMVFS, '2');
});

/** Frames of one length from the port to a guest, until all have arrived. */
function fromPort(to: string, frameBytes: number, simulatedMs = 0.1): number {
  machine.port.traffic.send({ to, frameBytes, ratePps: 1e6, stopMs: simulatedMs });
  const flow = machine.run({ simulatedMs: simulatedMs + 0.05 }).flows.at(-1);
  return flow?.offered ?? 0;
}

describe('what comes from the wire', () => {
  it('is counted by number, bytes with the check sequence, and size; reading clears', () => {
    const to = machine.guests[0].vf(0).mac;
    const small = fromPort(to, 64);
    const large = fromPort(to, 1518);
    expect(small).toBeGreaterThan(50);
    expect([read(PRC(0)), read(PRC(5)), read(PRC(1))]).toEqual([small, large, 0]);
    expect([read(GPRC), read(TPR), read(RXNFGPC)]).toEqual([small + large, small + large, small + large]);
    expect([read(GORC), read(GORC + 4)]).toEqual([64 * small + 1518 * large, 0]);
    expect([read(TOR), read(TOR + 4)]).toEqual([64 * small + 1518 * large, 0]);
    for (const offset of [PRC(0), PRC(5), GPRC, TPR, RXNFGPC, GORC, TOR]) expect(read(offset)).toBe(0);
  });

  it('is good only if a filter lets it pass: others are in the totals alone', () => {
    // No default pool.
    write(0x51b0, read(0x51b0) | (1 << 29));
    const frames = fromPort('02:99:99:99:99:99', 64);
    expect([read(GPRC), read(GORC)]).toEqual([0, 0]);
    expect([read(TPR), read(RXNFGPC), read(PRC(0))]).toEqual([frames, frames, frames]);
  });

  it('is counted once as a broadcast, however many pools get it', () => {
    const frames = fromPort('broadcast', 64);
    expect([read(BPRC), read(MPRC), read(GPRC)]).toEqual([frames, 0, frames]);
    expect([readVf(0, 0x101c), readVf(1, 0x101c)]).toEqual([frames, frames]);
  });

  it('is counted as a multicast, for VFs too', () => {
    const frames = fromPort('multicast', 64);
    expect([read(BPRC), read(MPRC)]).toEqual([0, frames]);
    expect([readVf(0, 0x1034), readVf(0, 0x101c)]).toEqual([frames, frames]);
    expect([read(0xd01c), read(0x101c)]).toEqual([frames, frames]);
  });
});

describe('what goes to the wire', () => {
  it('is counted as the MAC has sent it', () => {
    machine.guests[0].traffic.send({ to: 'port', frameBytes: 300, ratePps: 1e6, stopMs: 0.1 });
    machine.run({ simulatedMs: 0.2 });
    const { framesSent, bytesSent } = machine.nic.data.mac;
    expect(framesSent).toBeGreaterThan(50);
    expect([read(GPTC), read(TPT), read(PTC(3))]).toEqual([framesSent, framesSent, framesSent]);
    expect([read(GOTC), read(GOTC + 4)]).toEqual([bytesSent, 0]);
    expect(read(GPTC)).toBe(0);
  });

  it('is not what VFs send each other', () => {
    machine.guests[0].traffic.send({
      to: machine.guests[1].vf(0).mac,
      frameBytes: 100,
      ratePps: 1e6,
      stopMs: 0.1,
    });
    const report = machine.run({ simulatedMs: 0.2 });
    const { offered } = report.flows[0];
    expect([read(GPTC), read(GPRC), read(TPR)]).toEqual([0, 0, 0]);
    expect([readVf(0, 0x201c), readVf(1, 0x101c)]).toEqual([offered, offered]);
    expect([readVf(0, 0x2020), readVf(0, 0x2024)]).toEqual([100 * offered, 0]);
    // Reading leaves a VF's as they are.
    expect([readVf(0, 0x201c), readVf(1, 0x1020)]).toEqual([offered, 100 * offered]);
  });
});

describe('statistics of queues', () => {
  it('are those of the registers that RQSMR and TQSM name', () => {
    // Queue 0, the first of VF 0: receive in 5, transmit in 9; all others receive in 0.
    write(RQSMR, 5);
    write(TQSM, 9);
    const frames = fromPort(machine.guests[0].vf(0).mac, 64);
    const others = fromPort(machine.guests[1].vf(0).mac, 64);
    machine.guests[0].traffic.send({ to: 'port', frameBytes: 64, ratePps: 1e6, stopMs: 0.1 });
    machine.run({ simulatedMs: 0.2 });
    expect([read(QPRC(5)), read(QBRC(5)), read(QPRC(0))]).toEqual([frames, 64 * frames, others]);
    expect(read(QPTC(9))).toBe(machine.nic.data.mac.framesSent);
    expect([read(QPRC(5)), read(QBRC(5)), read(QPTC(9))]).toEqual([0, 0, 0]);
  });
});

describe('frames without a descriptor', () => {
  it("are counted in their own queue's register, not in that of its pool", () => {
    const { data } = machine.nic;
    // Queues 0 and 1 are those of VF 0: statistics 0 and 1.
    write(RQSMR, 0x0100);
    const frames = fromPort(machine.guests[0].vf(0).mac, 64);
    expect([read(QPRDC(0)), read(QPRDC(1))]).toEqual([0, 0]);
    // All of VF 0's frames go to its second queue, which is not enabled.
    data.spread = { queueFor: (pool) => 2 * pool + 1 };
    const lost = fromPort(machine.guests[0].vf(0).mac, 64);
    expect(frames).toBeGreaterThan(50);
    expect(lost).toBeGreaterThan(50);
    expect(data.drops.byReason(0).noDescriptor).toBe(lost);
    expect([read(QPRDC(0)), read(QPRDC(1)), read(QPRDC(1))]).toEqual([0, lost, 0]);
  });
});

describe('a reset', () => {
  it('clears all statistics', () => {
    fromPort('broadcast', 64);
    write(0x0, RST);
    for (const offset of [GPRC, GORC, BPRC, TPR, PRC(0), QPRC(0), 0x3fa0]) expect(read(offset)).toBe(0);
    expect(readVf(0, 0x101c)).toBe(0);
  });
});

describe('a frame that the card cannot take', () => {
  it('is missed where RXCTRL lets none in, or the buffer is full, and in no other count', () => {
    const { data } = machine.nic;
    const frame = () => data.slotForWire(1514);
    // The buffer of 512 KiB is filled with frames that do not go on.
    let taken = 0;
    while (frame() >= 0) {
      data.receiveBytes += 1514;
      taken++;
    }
    expect(taken).toBeGreaterThan(300);
    expect([read(0x3fa0), read(0x3fa0), read(0x3fa4)]).toEqual([1, 0, 0]);
    expect([read(TPR), read(CRCERRS)]).toEqual([0, 0]);
  });
});
